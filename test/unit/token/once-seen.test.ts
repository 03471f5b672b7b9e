// Records of tokens that came once serve others later: nobody may ever find in one what was another's.
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import { createTokenMemory } from "../../../src/core/token-memory.ts";
import { ok } from "../../../src/core/result.ts";
import type { FoundGood } from "../../../src/token/known-token.ts";
import { OnceSeenRecords } from "../../../src/token/once-seen.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  reasonOf,
  signToken,
  verifierFor,
} from "../../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["ES256"];
const key = createTestKey("ES256", "k1");
const keys = keysByHand([key.jwk], ALGORITHMS);

function factsOf(issuedAtS: number): FoundGood {
  const issuer = issuerWith(keys, ALGORITHMS);
  const keysSeen = keys.current({ monotonicMs: 0, wallMs: 0 });
  const [verifyKey] = keysSeen.keys;
  if (verifyKey === undefined) throw new Error("there is a key");
  const times = { issuedAtS, expiresAtS: issuedAtS + 600, notBeforeS: undefined, seenAtMs: issuedAtS };
  return { ...times, issuer, key: verifyKey, keysSeen };
}

const tokenOf = (letter: string, byteCount: number): Buffer => Buffer.alloc(byteCount, letter);

describe("a record that was given back", () => {
  test("is nobody's, and then another token's with all that it says", () => {
    const records = new OnceSeenRecords();
    const first = records.take(tokenOf("a", 600), factsOf(1), createTokenMemory());
    expect(first.isOf(tokenOf("a", 600))).toBe(true);
    records.giveBack(first);
    for (const byteCount of [0, 600]) expect(first.isOf(tokenOf("a", byteCount)), String(byteCount)).toBe(false);
    const facts = factsOf(2);
    const memory = createTokenMemory();
    const second = records.take(tokenOf("b", 500), facts, memory);
    expect(second).toBe(first);
    expect(second).toMatchObject(facts);
    expect(second.memory).toBe(memory);
    expect(second.token).toEqual(tokenOf("b", 500));
    expect(second.isOf(tokenOf("b", 500))).toBe(true);
    const strangers = [tokenOf("a", 600), tokenOf("a", 500), tokenOf("b", 499), tokenOf("b", 501)];
    for (const other of [...strangers, Buffer.concat([tokenOf("b", 500), tokenOf("a", 100)])]) {
      expect(second.isOf(other)).toBe(false);
    }
  });

  test.each([
    ["the same", 600, 600],
    ["a little shorter", 400, 600],
    ["much shorter", 200, 200],
    ["longer", 601, 601],
  ])("has room for a token that is %s, and not for much more", (_what, byteCount, roomBytes) => {
    const records = new OnceSeenRecords();
    records.giveBack(records.take(tokenOf("a", 600), factsOf(1), createTokenMemory()));
    const { token } = records.take(tokenOf("b", byteCount), factsOf(2), createTokenMemory());
    expect(token).toEqual(tokenOf("b", byteCount));
    expect(token.buffer.byteLength).toBe(roomBytes);
  });

  test("is kept for others only if few are", () => {
    const records = new OnceSeenRecords();
    const made = Array.from({ length: 100 }, () => records.take(tokenOf("a", 8), factsOf(1), createTokenMemory()));
    for (const one of made) records.giveBack(one);
    const again = Array.from({ length: 100 }, () => records.take(tokenOf("b", 8), factsOf(1), createTokenMemory()));
    expect(again.filter((one) => made.includes(one))).toHaveLength(64);
    expect(new Set(again).size).toBe(100);
  });
});

describe("of tokens that come once and make room for each other", () => {
  const tokens = [1, 2, 3].map((i) => signToken(key, goodClaims({ jti: `t${i}` })));

  test("a call in flight has the memory of its own, whoever came since", () => {
    const memories: unknown[] = [];
    const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)], {
      verifiedTokens: 1,
      compile: (principal, _digest, memory) => {
        memories.push(memory);
        return ok(principal);
      },
    });
    for (const token of tokens) verify(token);
    expect(new Set(memories).size).toBe(3);
  });

  test("none is remembered by bytes that its caller has since written over", () => {
    const { verifier, clock, verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const now = clock.now();
    for (const token of tokens) {
      const bytes = Buffer.from(token);
      for (let time = 0; time < 2; time += 1) {
        bytes.write(token);
        verifier.verify(bytes, now, now.monotonicMs + 1_000, undefined, (outcome) => void reasonOf(outcome));
        bytes.fill("x");
      }
      expect(reasonOf(verify(bytes.toString()))).toBe("malformed_token");
      expect(reasonOf(verify(token))).toBe("ok");
    }
    expect(reports.cache).toEqual(tokens.flatMap(() => ["miss", "hit", "miss", "hit"]));
  });
});
