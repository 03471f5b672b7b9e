// Redis URLs: what is read, what is refused, and that a credential never shows.
import { describe, expect, test } from "vitest";
import { describeAddress, parseRedisUrl } from "../../../../src/revocation/redis/url.ts";

const tcp = (host: string, port = 6379, tls = false) => ({ kind: "tcp", host, port, tls });
const anonymous = { username: undefined, password: undefined };

describe("a Redis URL", () => {
  test.each([
    ["redis://h", { at: tcp("h"), db: 0, ...anonymous }],
    ["redis://127.0.0.1:6380/0", { at: tcp("127.0.0.1", 6380), db: 0, ...anonymous }],
    ["redis://h/15", { at: tcp("h"), db: 15, ...anonymous }],
    ["rediss://h:1", { at: tcp("h", 1, true), db: 0, ...anonymous }],
    ["redis://[::1]:7", { at: tcp("::1", 7), db: 0, ...anonymous }],
    ["redis://:p%40ss@h", { at: tcp("h"), db: 0, username: undefined, password: "p@ss" }],
    ["redis://u:p%2F%25@h", { at: tcp("h"), db: 0, username: "u", password: "p/%" }],
    ["unix:/run/redis.sock", { at: { kind: "socket", path: "/run/redis.sock" }, db: 0, ...anonymous }],
    ["unix:///run/redis.sock?db=2", { at: { kind: "socket", path: "/run/redis.sock" }, db: 2, ...anonymous }],
    [
      "unix://u:p@/run/a%20b.sock",
      { at: { kind: "socket", path: "/run/a b.sock" }, db: 0, username: "u", password: "p" },
    ],
  ])("%s is read", (url, address) => {
    expect(parseRedisUrl(url)).toEqual({ ok: true, value: address });
  });

  test.each([
    "",
    "h:6379",
    "http://h",
    "redis://",
    "redis://h/x",
    "redis://h/1/2",
    "redis://h?db=1",
    "redis://h:99999",
    "redis://%ff:x@h",
    "unix:",
    "unix:/",
    "unix:relative.sock",
    "unix:/a?db=x",
    "redis+sentinel://h:1/name",
    "redis+cluster://h:1",
  ])("%j is refused", (url) => {
    expect(parseRedisUrl(url).ok).toBe(false);
  });

  test("a refusal and a description never show the credential", () => {
    const refused = parseRedisUrl("redis://user:secret@h/x");
    expect(JSON.stringify(refused)).not.toContain("secret");
    const read = parseRedisUrl("redis://user:secret@h/3");
    expect(read.ok && describeAddress(read.value)).toBe("redis://h:6379/3");
    const v6 = parseRedisUrl("rediss://user:secret@[::1]");
    expect(v6.ok && describeAddress(v6.value)).toBe("rediss://[::1]:6379/0");
  });
});
