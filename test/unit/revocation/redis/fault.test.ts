// Every failure of Redis has its cause (trap 29), and no detail repeats what the server said.
import { expect, test } from "vitest";
import { faultOf } from "../../../../src/revocation/redis/fault.ts";

test.each([
  ["LOADING Redis is loading the dataset in memory", "loading"],
  ["READONLY You can't write against a read only replica.", "read_only"],
  ["NOREPLICAS Not enough good replicas to write.", "read_only"],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "not_primary"],
  ["CLUSTERDOWN Hash slot not served", "cluster_down"],
  ["MOVED 3999 127.0.0.1:6381", "moved"],
  ["ASK 3999 127.0.0.1:6381", "moved"],
  ["OOM command not allowed when used memory > 'maxmemory'.", "out_of_memory"],
  ["ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed", "out_of_memory"],
  ["ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write", "read_only"],
  ["NOAUTH Authentication required.", "auth"],
  ["WRONGPASS invalid username-password pair or user is disabled.", "auth"],
  ["ERR invalid password", "auth"],
  ["NOPERM User x has no permissions to run the 'mget' command", "auth"],
  ["ERR max number of clients reached", "max_clients"],
  [
    "Command queue state error. If you can reproduce this, please report it. Last error: ERR max number of clients reached",
    "max_clients",
  ],
  ["MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "disk"],
  ["BUSY Redis is busy running a script.", "timeout"],
  ["ERR unknown command", "protocol"],
  ["Connection is closed.", "connection_lost"],
  ["Socket timeout. Expecting data, but didn't receive any in 1000ms.", "timeout"],
  ["something else", "protocol"],
])("%s is %s", (message, cause) => {
  expect(faultOf(new Error(message)).cause).toBe(cause);
});

test.each([
  ["ECONNREFUSED", "connection_refused"],
  ["ENOENT", "connection_refused"],
  ["ECONNRESET", "connection_lost"],
  ["EPIPE", "connection_lost"],
  ["ETIMEDOUT", "timeout"],
  ["ENOTFOUND", "disconnected"],
  ["EHOSTUNREACH", "disconnected"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "protocol"],
])("%s is %s", (code, cause) => {
  expect(faultOf(Object.assign(new Error("connect"), { code }))).toEqual({ cause, detail: code });
});

test("no detail repeats what the server said: it may quote keys, values and credentials", () => {
  for (const message of [
    "ERR unknown command 'x', with args beginning with: 'secret'",
    "NOPERM No permissions to access a key secret",
    "WRONGTYPE secret",
    "secret",
    "ERR Error running script secret: -OOM secret",
  ]) {
    expect(JSON.stringify(faultOf(new Error(message)))).not.toContain("secret");
  }
  expect(faultOf("secret")).toEqual({ cause: "protocol", detail: "failed without an error" });
});
