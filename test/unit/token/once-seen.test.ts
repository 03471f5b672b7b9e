// Records of tokens that came once serve others later: nobody may ever find in one what was another's.
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import type { Principal } from "../../../src/core/principal.ts";
import { createTokenMemory, type TokenMemory } from "../../../src/core/token-memory.ts";
import { ok } from "../../../src/core/result.ts";
import type { FoundGood } from "../../../src/token/found-good.ts";
import { OnceSeenRecords } from "../../../src/token/once-seen.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  reasonOf,
  signToken,
  verifierFor,
  type TestVerifier,
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

/** Of each compiled token: what is remembered of it. */
function rememberingOne(
  from: typeof keys,
  algorithms: readonly Algorithm[],
): TestVerifier & { readonly memories: ReadonlyMap<Principal, TokenMemory | undefined> } {
  const memories = new Map<Principal, TokenMemory | undefined>();
  const bench = verifierFor([issuerWith(from, algorithms)], {
    verifiedTokens: 1,
    compile: (principal, _digest, memory) => {
      memories.set(principal, memory);
      return ok(principal);
    },
  });
  return { ...bench, memories };
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

  test("each has a memory of its own", () => {
    const { memories, verify } = rememberingOne(keys, ALGORITHMS);
    for (const token of tokens) verify(token);
    expect(new Set(memories.values()).size).toBe(3);
  });

  test("calls in flight, verified by threads while others take their place, are answered with their own", async () => {
    const slow = createTestKey("ES384", "slow");
    const { memories, verifyLater } = rememberingOne(keysByHand([slow.jwk], ["ES384"]), ["ES384"]);
    const [a, b, c] = ["a", "b", "c"].map((jti) => signToken(slow, goodClaims({ jti }))) as [string, string, string];
    const asked = [a, a, b, c, a, b];
    const outcomes = await Promise.all(asked.map((token) => verifyLater(token)));
    const told = outcomes.map((outcome) => outcome.ok && outcome.value.principal.tokenId);
    expect(told).toEqual(["a", "a", "b", "c", "a", "b"]);
    const memoryOf = outcomes.map((outcome) => outcome.ok && memories.get(outcome.value.compiled));
    for (const [i, memory] of memoryOf.entries()) {
      expect(memory).toBeDefined();
      const same = memoryOf.flatMap((other, j) => (other === memory ? [asked[j]] : []));
      expect(new Set(same)).toEqual(new Set([asked[i]]));
    }
  });

  test("who is asked what is remembered tells only of what is, though others come between two answers", () => {
    const { verifier, verify } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 3 });
    for (const token of tokens) verify(token);
    const remembered = verifier.remembered()[Symbol.iterator]();
    const told: (string | undefined)[] = [];
    for (let next = remembered.next(); next.done !== true; next = remembered.next()) {
      told.push(next.value.principal.tokenId);
      if (told.length === 1) for (const jti of ["t4", "t5", "t6"]) verify(signToken(key, goodClaims({ jti })));
    }
    expect(told[0]).toBe("t3");
    expect(told.slice(1).every((id) => ["t4", "t5", "t6"].includes(id ?? ""))).toBe(true);
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
