// Whatever tokens come in whatever order, whichever are forgotten for others, and whatever becomes of keys and clocks: a verifier
// that remembers says what one says that remembers nothing, and what was heard of one token is never another's.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Algorithm } from "../../src/core/algorithm.ts";
import type { TokenMemory } from "../../src/core/token-memory.ts";
import type { Principal } from "../../src/core/principal.ts";
import { ok } from "../../src/core/result.ts";
import { createTestKey, goodClaims, issuerWith, keysByHand, NOW_S, signToken, verifierFor } from "../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["EdDSA"];
const one = createTestKey("EdDSA", "k1");
const other = createTestKey("EdDSA", "k2");
const KEY_SETS = [[one.jwk], [one.jwk, other.jwk], [other.jwk], []];
/** Of lengths that share room with some and not with others. */
const TOKENS = [0, 0, 10, 90, 400, 420, 1_500, 4_000, 4_000].flatMap((filler, i) =>
  [one, other].map((by) => {
    const times = i % 3 === 0 ? { nbf: NOW_S - 5, exp: NOW_S + 60 } : {};
    return signToken(
      by,
      goodClaims({ jti: `${by.kid}-${i}`, sub: "u".repeat(i + 1), extra: "x".repeat(filler), ...times }),
    );
  }),
);

type Step =
  | { readonly kind: "call"; readonly which: number }
  | { readonly kind: "keys"; readonly which: number }
  | { readonly kind: "wait"; readonly seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("call" as const), which: fc.nat(TOKENS.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("keys" as const), which: fc.nat(KEY_SETS.length - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: -20, max: 50 }) }),
  },
);

test("remembering changes no answer, and mixes up no two tokens", () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 120 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps, (verifiedTokens, all) => {
      const keys = keysByHand(KEY_SETS[1] ?? [], ALGORITHMS);
      const memoryOf = new Map<Principal, TokenMemory | undefined>();
      const compile = (
        principal: Principal,
        _digest: string,
        memory?: TokenMemory,
      ): ReturnType<typeof ok<Principal>> => {
        memoryOf.set(principal, memory);
        return ok(principal);
      };
      const issuers = [issuerWith(keys, ALGORITHMS)];
      const remembering = verifierFor(issuers, { verifiedTokens, compile });
      const forgetful = verifierFor(issuers, { verifiedTokens: 0 });
      let wallS = NOW_S;
      /** By its reading of the clock: whose it is. */
      const heard = new Map<unknown, string>();
      for (const next of all) {
        if (next.kind === "keys") keys.replace(KEY_SETS[next.which] ?? []);
        else if (next.kind === "wait") {
          wallS += next.seconds;
          for (const { clock } of [remembering, forgetful]) clock.setWallMs(wallS * 1_000);
        } else {
          const token = TOKENS[next.which] ?? "";
          const outcome = remembering.verify(token);
          expect(outcome).toEqual(forgetful.verify(token));
          if (!outcome.ok) continue;
          const memory = memoryOf.get(outcome.value.compiled);
          if (memory === undefined) throw new Error("each has a memory");
          if (memory.lastActiveAsOf !== undefined) expect(heard.get(memory.lastActiveAsOf)).toBe(token);
          const asOf = remembering.clock.now();
          memory.lastActiveAsOf = asOf;
          heard.set(asOf, token);
        }
      }
    }),
    { numRuns: 300 },
  );
});
