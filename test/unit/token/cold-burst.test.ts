// A burst of new tokens must not stand in the way of known ones: whoever floods us with tokens to verify (ES256 takes
// 70 µs each) would otherwise stop every other call for as long as all of his take.
import { expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import type { Clock } from "../../../src/core/clock.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  NOW_S,
  reasonOf,
  signToken,
  verifierFor,
  type TestVerifier,
} from "../../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["ES256"];
const key = createTestKey("ES256", "k1");
const BURST = 300;
/** At 20 µs each, faster than any machine, it would be 25 in half a millisecond. */
const MANY = 100;

/** Asks for a token that has time, and writes down what it is told. */
function askerOf(
  { verifier, clock }: Pick<TestVerifier, "verifier"> & { readonly clock: Clock },
  outcomes: string[],
): (token: string) => void {
  return (token) => {
    const now = clock.now();
    verifier.verify(Buffer.from(token), now, now.monotonicMs + 60_000, undefined, (outcome) => {
      outcomes.push(reasonOf(outcome));
    });
  };
}

test("a known token is answered at once in every turn of a burst, and the burst is answered whole", async () => {
  const bench = verifierFor([issuerWith(keysByHand([key.jwk], ALGORITHMS), ALGORITHMS)], {
    verifyMsPerTurn: { aloneMs: 0.5, besideKnownMs: 0.5 },
    verifiedTokens: 1_000,
  });
  const outcomes: string[] = [];
  const ask = askerOf(bench, outcomes);
  const known = signToken(key, goodClaims({ jti: "known" }));
  const burst = Array.from({ length: BURST }, (_, i) => signToken(key, goodClaims({ jti: `new-${i}` })));
  ask(known);
  for (const token of burst) ask(token);
  expect(outcomes.length).toBeLessThan(MANY); // with a read of the socket full of them, as in every turn after it
  for (let answered = outcomes.length; answered <= BURST; answered = outcomes.length) {
    ask(known);
    expect(outcomes.length).toBe(answered + 1); // at once, whatever waits
    outcomes.pop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes.length - answered).toBeLessThan(MANY);
  }
  expect(outcomes).toEqual(Array.from({ length: BURST + 1 }, () => "ok"));
});

test("what waits beyond its deadline is told that we are overloaded, and is not remembered as anything", async () => {
  const { verifier, clock, reports } = verifierFor([issuerWith(keysByHand([key.jwk], ALGORITHMS), ALGORITHMS)], {
    verifyMsPerTurn: { aloneMs: 0, besideKnownMs: 0 },
  });
  const now = clock.now();
  const token = signToken(key, goodClaims());
  const outcome = new Promise((resolve) => {
    verifier.verify(Buffer.from(token), now, now.monotonicMs, undefined, (told) => resolve(reasonOf(told)));
  });
  expect(await outcome).toBe("overloaded");
  expect(reports.algorithms).toEqual([]);
});

test("calls that wait with one new token are answered by one verification", async () => {
  const { verifier, clock, reports } = verifierFor([issuerWith(keysByHand([key.jwk], ALGORITHMS), ALGORITHMS)], {
    verifyMsPerTurn: { aloneMs: 0.01, besideKnownMs: 0.01 },
  });
  const now = clock.now();
  const ask = (token: Buffer): Promise<string> =>
    new Promise((resolve) => {
      verifier.verify(token, now, now.monotonicMs + 60_000, undefined, (outcome) => resolve(reasonOf(outcome)));
    });
  const other = ask(Buffer.from(signToken(key, goodClaims({ jti: "other" })))); // takes all of this turn's share
  const token = Buffer.from(signToken(key, goodClaims()));
  const told = await Promise.all([other, ...Array.from({ length: 20 }, () => ask(token))]);
  expect(told).toEqual(told.map(() => "ok"));
  expect(reports.algorithms).toEqual(["ES256", "ES256"]);
});

test("more new tokens than may wait are told at once, and a known one is answered all the same", () => {
  const bench = verifierFor([issuerWith(keysByHand([key.jwk], ALGORITHMS), ALGORITHMS)], {
    verifyMsPerTurn: { aloneMs: 0.01, besideKnownMs: 0.01 },
    maxWaiting: 3,
  });
  const outcomes: string[] = [];
  const ask = askerOf(bench, outcomes);
  const known = signToken(key, goodClaims({ jti: "known" }));
  ask(known);
  for (let i = 0; i < 5; i++) ask(signToken(key, goodClaims({ jti: `new-${i}` })));
  ask(known);
  expect(outcomes).toEqual(["ok", "overloaded", "overloaded", "ok"]);
});

test("new tokens have less of a turn while known ones come, and more when none has come for a while", async () => {
  let nowMs = 1_000;
  const clock = { now: () => ({ monotonicMs: nowMs, wallMs: NOW_S * 1_000 }) };
  const { verifier } = verifierFor([issuerWith(keysByHand([key.jwk], ALGORITHMS), ALGORITHMS)], {
    verifyMsPerTurn: { aloneMs: Infinity, besideKnownMs: 0 },
    clock,
  });
  const outcomes: string[] = [];
  const ask = askerOf({ verifier, clock }, outcomes);
  const known = signToken(key, goodClaims({ jti: "known" }));
  const burst = Array.from({ length: 6 }, (_, i) => signToken(key, goodClaims({ jti: `new-${i}` })));
  ask(known);
  for (const token of burst.slice(0, 3)) ask(token);
  expect(outcomes.length).toBe(4); // nobody known was about: all at once
  ask(known);
  for (const token of burst.slice(3)) ask(token);
  expect(outcomes.length).toBe(5);
  nowMs += 1_000;
  await new Promise((resolve) => setImmediate(resolve));
  expect(outcomes).toEqual(Array.from({ length: 8 }, () => "ok"));
});
