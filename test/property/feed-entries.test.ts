// Entries of the feed that are not as our script writes them, in a real Redis and under a real replica: whatever they are,
// nobody is let through by it whose marker stands, and it is soon current again.
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkForOperations } from "../../src/revocation/redis/links.ts";
import type { Link } from "../../src/revocation/redis/link.ts";
import { fixedLocator } from "../../src/revocation/redis/locator.ts";
import { feedHeadKey, feedLogKey } from "../../src/revocation/redis/own-keys.ts";
import { parseRedisUrl } from "../../src/revocation/redis/url.ts";
import { runs } from "../support/fuzz-time.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { until } from "../support/wait.ts";

const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };
const TOKENS = ["a", "b", "c", "d"];

/** Writes a marker or deletes it, and whatever is said beside it into the log and the head: ARGV: value or "", how many of the rest are fields, the id, the fields, then those of the head. */
const WRITE = `
if ARGV[1] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[1]) end
local fields, count = {}, tonumber(ARGV[2])
for i = 1, count do fields[i] = ARGV[3 + i] end
redis.pcall('XADD', KEYS[3], ARGV[3], unpack(fields))
for i = 4 + count, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
`;

let redis: RedisProcess;
let replica: ObservedReplica;
let link: Link;
beforeAll(async () => {
  redis = await startRedis();
  const address = parseRedisUrl(redis.url);
  if (!address.ok) throw new Error(address.error);
  link = linkForOperations(fixedLocator(address.value), clock, "odd");
  link.start();
  await link.whenOpen(5_000);
  await redis.cli("HSET", feedHeadKey(""), "epoch", "e", "seq", "0", "link", "l0");
  // Without a push, so that what stands is learned by the feed, or by the scan that a doubt about it begins.
  replica = await startReplica(redis.url, { directWriters: false, scanEveryMs: 10, askEveryMs: 50 });
});
afterAll(async () => {
  await replica.stop();
  await link.stop();
  await redis.stop();
});

/** What is done to the fields of an entry, which come by name. */
type Change = (told: Map<string, string>) => void;

const NAMES = ["epoch", "link", "prev", "op", "key", "value", "till"];
const ODD = ["", "0", "-1", "1e3", "NaN", "99999999999999999999", "put", "LIFT", "\0", "\u{1f600}", "x".repeat(20_000)];
/** A whole entry of another key or end is a lie that nobody could see through: Redis' owner is no enemy of ours. */
function isWhole(name: string, text: string): boolean {
  return (name === "key" && text !== "") || (name === "till" && /^\d{1,16}$/.test(text));
}

const text = fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: "binary" }));
const change: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...NAMES, "odd"), fc.option(text))
  .filter(([name, instead]) => instead === null || !isWhole(name, instead))
  .map(([name, instead]): Change => {
    return (told) => void (instead === null ? told.delete(name) : told.set(name, instead));
  });
interface Write {
  readonly token: string;
  readonly isLift: boolean;
  readonly changes: readonly Change[];
  /** How far the seq is from the one that is next. */
  readonly skipped: number;
  readonly isDouble: boolean;
  /** Which field of the head is odd meanwhile. */
  readonly head: string | undefined;
}

const write: fc.Arbitrary<Write> = fc.record({
  token: fc.constantFrom(...TOKENS),
  isLift: fc.boolean(),
  changes: fc.array(change, { minLength: 1, maxLength: 2 }),
  skipped: fc.constantFrom(0, 0, 0, 0, 1, 1_000_000),
  isDouble: fc.boolean(),
  head: fc.constantFrom(undefined, undefined, undefined, "seq", "epoch", "link"),
});

/** Tried first: an entry without `op` was once heard as a lift. */
function lacking(name: string): Write {
  const changes: readonly Change[] = [(told) => void told.delete(name)];
  return { token: "a", isLift: false, changes, skipped: 0, isDouble: false, head: undefined };
}

test("whatever an entry is made of, no token whose marker stands is active once the replica is current", async () => {
  const standing = new Set<string>();
  let seq = 0;
  let last = "l0";
  const expectNobodyLetThrough = (): void => {
    for (const token of standing) expect([token, replica.stateOf(token)]).toEqual([token, "revoked"]);
  };
  const put = (args: readonly (string | number)[], token: string): ReturnType<Link["send"]> => {
    const keys = [3, `revoked:jti:main:${token}`, feedHeadKey(""), feedLogKey("")];
    return link.send("EVAL", [WRITE, ...keys, ...args], 1_000);
  };
  await fc.assert(
    fc.asyncProperty(write, async ({ token, isLift, changes, skipped, isDouble, head }) => {
      const key = `revoked:jti:main:${token}`;
      seq += 1 + skipped;
      const next = `l${seq}`;
      const told = new Map(
        Object.entries({
          epoch: "e",
          link: next,
          prev: last,
          op: isLift ? "lift" : "put",
          key,
          value: "1",
          till: "",
        }),
      );
      for (const apply of changes) apply(told);
      const fields = [...told].flat();
      const all = isDouble ? [...fields, "op", "lift"] : fields;
      const right = ["epoch", "e", "seq", String(seq), "link", next];
      const wrong = head === undefined ? right : [...right, head, "odd"];
      if (isLift) standing.delete(token);
      else standing.add(token);
      last = next;
      const written = await put([isLift ? "" : "1", all.length, `${seq}-0`, ...all, ...wrong], token);
      expect(written.ok).toBe(true);
      const writtenAtMs = performance.now();
      const restored = await put([isLift ? "" : "1", 0, "-", ...right], token);
      expect(restored.ok).toBe(true);
      await until(
        "the replica to be current",
        () => (replica.replica.position?.monotonicMs ?? 0) > writtenAtMs,
        5_000,
        1,
      );
      expectNobodyLetThrough();
    }),
    { ...runs<[Write]>(12), examples: NAMES.map((name): [Write] => [lacking(name)]) },
  );
});
