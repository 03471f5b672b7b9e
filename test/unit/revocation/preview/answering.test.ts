// What a sidecar says that a revocation would hit: the right tokens, no names, and no Check waits for it.
import { expect, test } from "vitest";
import { distinctCount } from "../../../../src/core/distinct-count.ts";
import { eventLoop } from "../../../../src/resilience/schedule.ts";
import { answerQuestion, type RecentToken } from "../../../../src/revocation/preview/answering.ts";
import { RECENT_MS } from "../../../../src/revocation/preview/question.ts";

function seen(i: number, agoMs: number, issuedAtS = 100): RecentToken {
  const sub = `user:revoked_after:main:u${i % 40}`;
  const keys = [`revoked:jti:main:t${i}`, `revoked:sid:main:s${i % 60}`, sub, "issuer:revoked_after:main"];
  const kinds = ["token", "session", "user", "issuer"] as const;
  const identity = `digest-${i}`;
  const subject = {
    keys,
    kinds,
    issuedAtS,
    forgetAtWallMs: 0,
    identity,
    memory: { lastActiveAsOf: undefined },
    fingerprints: undefined,
  };
  return { subject, seenAtMs: NOW_MS - agoMs };
}

const NOW_MS = 10_000_000;

async function counts(
  tokens: readonly RecentToken[],
  keys: readonly string[],
  issuedBeforeS?: number,
): Promise<readonly number[]> {
  const recent = { tokens, wholeSinceMs: NOW_MS - 60_000 };
  const answer = await answerQuestion({ id: "q", keys, issuedBeforeS }, recent, NOW_MS, eventLoop);
  expect(answer.backMs).toBe(60_000);
  return [answer.tokens, answer.sessions, answer.users].map((kept) => distinctCount([kept]).count);
}

const EIGHTY = Array.from({ length: 80 }, (_, i) => seen(i, i * 1_000));

test("counts tokens, sessions and users that a revocation would hit, and no others", async () => {
  expect(await counts(EIGHTY, ["issuer:revoked_after:main"])).toEqual([80, 60, 40]);
  expect(await counts(EIGHTY, ["user:revoked_after:main:u3"])).toEqual([2, 2, 1]);
  expect(await counts(EIGHTY, ["revoked:jti:main:t3", "user:revoked_after:main:u3", "revoked:sid:main:s9"])).toEqual([
    4, 3, 3,
  ]);
  expect(await counts(EIGHTY, ["issuer:revoked_after:other"])).toEqual([0, 0, 0]);
});

test("leaves out tokens issued too late to be hit, and those not seen lately", async () => {
  const tokens = [seen(1, 0, 99), seen(2, 0, 100), seen(3, RECENT_MS + 1, 99), seen(4, 0, 99)];
  // The one seen last comes first, so what lies behind an old one is older still.
  expect(await counts(tokens, ["issuer:revoked_after:main"], 100)).toEqual([1, 1, 1]);
});

test("holds no name that could be read, and other hashes for another question", async () => {
  const ask = (id: string): Promise<object> =>
    answerQuestion(
      { id, keys: ["issuer:revoked_after:main"], issuedBeforeS: undefined },
      { tokens: EIGHTY, wholeSinceMs: NOW_MS },
      NOW_MS,
      eventLoop,
    );
  const [first, second] = [JSON.stringify(await ask("a")), JSON.stringify(await ask("b"))];
  expect(first).not.toMatch(/digest|main|revoked/);
  const numbers = (text: string): readonly string[] => text.match(/\d{6,}/g) ?? [];
  expect(numbers(first).length).toBeGreaterThan(100);
  expect(numbers(first).filter((hash) => numbers(second).includes(hash))).toEqual([]);
});

test("lets the event loop turn while it walks many", async () => {
  let turns = 0;
  const counted = { ...eventLoop, immediate: (task: () => void) => (turns++, eventLoop.immediate(task)) };
  const tokens = Array.from({ length: 2_000 }, (_, i) => seen(i, i));
  await answerQuestion({ id: "q", keys: [], issuedBeforeS: undefined }, { tokens, wholeSinceMs: 0 }, NOW_MS, counted);
  expect(turns).toBeGreaterThan(10);
});
