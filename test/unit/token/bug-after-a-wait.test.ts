// What runs after a wait has nobody above it who could catch: a throw there would end the process, every Check with it.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Result } from "../../../src/core/result.ts";
import type { KeySource } from "../../../src/token/key-source.ts";
import { createKeyWaiters } from "../../../src/token/key-waiters.ts";
import { NO_KEYS } from "../../../src/token/key-set.ts";
import type { VerifyFailure } from "../../../src/token/verification.ts";
import { createTestKey, goodClaims, issuerWith, keysByHand, signToken, verifierFor } from "../../support/tokens.ts";

const slow = createTestKey("ES384", "slow");
const fast = createTestKey("ES256", "fast");
const INTERNAL_ERROR = { ok: false, error: { reason: "internal_error", issuerId: "main" } };

const uncaught = vi.fn<(reason: unknown) => void>();
const EVENTS = ["unhandledRejection", "uncaughtException"] as const;
beforeEach(() => {
  uncaught.mockReset();
  for (const event of EVENTS) process.on(event, uncaught);
});
afterEach(() => {
  for (const event of EVENTS) process.off(event, uncaught);
});

function broken(): never {
  throw new Error("a bug");
}

const observer = { verified: broken, verifiedTokenCache: () => undefined, issuerClockAhead: () => undefined };

/** Everything `done` was told, half a second of it at most, and what nobody caught. */
async function outcomesOf(
  keys: KeySource,
  token: string,
  changes: Parameters<typeof verifierFor>[1],
): Promise<Result<unknown, VerifyFailure>[]> {
  const { verifier, clock } = verifierFor([issuerWith(keys, ["ES384", "ES256"])], changes);
  const outcomes: Result<unknown, VerifyFailure>[] = [];
  const now = clock.now();
  verifier.verify(Buffer.from(token), now, now.monotonicMs + 500, undefined, (outcome) => void outcomes.push(outcome));
  await vi.waitFor(() => expect(outcomes.length + uncaught.mock.calls.length).toBeGreaterThan(0));
  // A rejection is called unhandled a turn after it happened.
  await new Promise((resolve) => setImmediate(resolve));
  return outcomes;
}

describe("a bug after a thread has verified is one refusal", () => {
  const keys = keysByHand([slow.jwk], ["ES384"]);
  const token = signToken(slow, goodClaims());

  test("in what another room compiles", async () => {
    expect(await outcomesOf(keys, token, { compile: broken })).toEqual([INTERNAL_ERROR]);
    expect(uncaught).not.toHaveBeenCalled();
  });

  test("in what hears of it", async () => {
    expect(await outcomesOf(keys, token, { observer })).toEqual([INTERNAL_ERROR]);
    expect(uncaught).not.toHaveBeenCalled();
  });

  test("in the caller itself: it is not told twice", async () => {
    const { verifier, clock } = verifierFor([issuerWith(keys, ["ES384"])]);
    const now = clock.now();
    const done = vi.fn<() => never>(broken);
    verifier.verify(Buffer.from(token), now, now.monotonicMs + 500, undefined, done);
    await vi.waitFor(() => expect(done).toHaveBeenCalled());
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toHaveBeenCalledTimes(1);
    expect(uncaught).not.toHaveBeenCalled();
  });
});

test("a bug after a refetch of keys is one refusal", async () => {
  const keys = keysByHand([], ["ES256"]);
  const later: KeySource = {
    ...keys,
    refetchFor(_kid, now, _deadlineAtMs, _span, done) {
      setImmediate(() => {
        keys.replace([fast.jwk]);
        done(keys.current(now));
      });
    },
  };
  expect(await outcomesOf(later, signToken(fast, goodClaims()), { observer })).toEqual([INTERNAL_ERROR]);
  expect(uncaught).not.toHaveBeenCalled();
});

test("one waiter's bug leaves no other waiter without an answer", () => {
  const clock = { now: () => ({ monotonicMs: 0, wallMs: 0 }) };
  const waiters = createKeyWaiters(clock);
  const done = vi.fn<() => void>();
  waiters.add({ kid: "a", sinceMs: 0 }, 60_000, () => NO_KEYS, broken);
  waiters.add({ kid: "b", sinceMs: 0 }, 60_000, () => NO_KEYS, done);
  waiters.answer(NO_KEYS, () => true);
  expect(done).toHaveBeenCalledTimes(1);
});
