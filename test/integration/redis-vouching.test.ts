// When a control plane vouches for a server: who remembers waits for others that may know more, and who remembers nothing
// for those who do.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFeedKeeper, type FeedKeeper } from "../../src/revocation/redis/feed-keeper.ts";
import { linkForOperations } from "../../src/revocation/redis/links.ts";
import type { Link } from "../../src/revocation/redis/link.ts";
import { fixedLocator } from "../../src/revocation/redis/locator.ts";
import { beginOperation } from "../../src/revocation/redis/operation.ts";
import { VOUCH } from "../../src/revocation/redis/scripts.ts";
import { parseRedisUrl } from "../../src/revocation/redis/url.ts";
import { realClock } from "../conformance/store-suite.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const VOUCHED = "portcullis:{feed}:vouched";
const KEEPER = "portcullis:{feed}:keeper";

let redis: RedisProcess;
let keeper: FeedKeeper | undefined;
/** How often the keeper has asked whether it may vouch. */
let askedCount = 0;
/** What the keeper takes for the time. */
let nowMs = 0;

beforeEach(async () => {
  redis = await startRedis();
  askedCount = 0;
  nowMs = 0;
});

afterEach(async () => {
  await keeper?.stop();
  keeper = undefined;
  await redis.stop();
});

function startKeeper(): void {
  const address = parseRedisUrl(redis.url);
  if (!address.ok) throw new Error(address.error);
  const own = linkForOperations(fixedLocator(address.value), realClock, "test-keeper");
  const link: Link = {
    ...own,
    send(command, args, timeoutMs) {
      if (args[0] === VOUCH) askedCount += 1;
      return own.send(command, args, timeoutMs);
    },
  };
  keeper = createFeedKeeper({
    keyPrefix: "",
    clock: { now: () => ({ monotonicMs: nowMs, wallMs: Date.now() }) },
    log: { info() {}, warn() {}, error() {} },
    link,
    begin: () => beginOperation(link, realClock),
  });
  keeper.start();
}

async function untilAsked(times: number): Promise<void> {
  const till = askedCount + times;
  await until("the keeper to have asked", () => askedCount >= till);
}

async function runIdNow(): Promise<string> {
  return /^run_id:(\w+)/m.exec(await redis.cli("INFO", "server"))?.[1] ?? "";
}

const isVouched = async (): Promise<boolean> => (await redis.cli("GET", VOUCHED)) === (await runIdNow());

test("who remembers nothing vouches after 3 s, and not while another is there that remembers", async () => {
  await redis.cli("SET", VOUCHED, "another");
  await redis.cli("SET", KEEPER, "1");
  startKeeper();
  await untilAsked(2);
  nowMs = 2_999;
  await redis.cli("DEL", KEEPER);
  await untilAsked(2);
  expect(await isVouched()).toBe(false);
  expect(await redis.cli("EXISTS", KEEPER)).toBe("0");
  await redis.cli("SET", KEEPER, "1");
  nowMs = 3_000;
  await untilAsked(2);
  expect(await isVouched()).toBe(false);
  await redis.cli("DEL", KEEPER);
  await until("it to vouch", isVouched);
  expect(await redis.cli("EXISTS", KEEPER)).toBe("1");
});

test("who remembers says at once that it is there, and vouches when others have had their time", async () => {
  startKeeper();
  await untilAsked(1);
  nowMs = 3_000;
  await until("it to vouch", isVouched);
  await redis.kill();
  await redis.restart();
  await until("it to say that it is there", async () => (await redis.cli("EXISTS", KEEPER)) === "1");
  await untilAsked(2);
  expect(await isVouched()).toBe(false);
  nowMs += 750;
  await until("it to vouch again", isVouched);
});

test("a history that lacks the last entry remembered is not vouched for", async () => {
  const [head, log] = ["portcullis:{feed}:head", "portcullis:{feed}:log"];
  await redis.cli("XADD", log, "1-0", "epoch", "e", "link", "one", "op", "put");
  await redis.cli("XADD", log, "2-0", "epoch", "e", "link", "two", "op", "put");
  await redis.cli("HSET", head, "epoch", "e", "seq", "2", "link", "two");
  const runId = await runIdNow();
  const vouch = (seq: number, link: string): Promise<string> =>
    redis.cli("EVAL", VOUCH, "4", head, log, VOUCHED, KEEPER, "e", String(seq), link, "1", runId, "10000");
  for (const [seq, link] of [
    [1, "other"],
    [2, "other"],
    [3, "three"],
  ] as const) {
    expect(await vouch(seq, link)).toBe(`${runId}\n0`);
    expect(await redis.cli("EXISTS", VOUCHED)).toBe("0");
  }
  expect(await vouch(1, "one")).toBe(`${runId}\n1`);
  await redis.cli("DEL", VOUCHED, log); // trimmed to nothing, the head stands
  expect(await vouch(2, "two")).toBe(`${runId}\n1`);
});
