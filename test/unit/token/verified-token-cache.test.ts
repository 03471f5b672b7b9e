// Trap 16: a cache of verified tokens must not let in what verification would refuse.
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import { err, ok } from "../../../src/core/result.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  NOW_S,
  reasonOf,
  signToken,
  verifierFor,
} from "../../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["ES256"];
const key = createTestKey("ES256", "k1");
const next = createTestKey("ES256", "k2");
const keys = keysByHand([key.jwk], ALGORITHMS);
const token = signToken(key, goodClaims());

describe("a token verified once", () => {
  test("is read again when it comes a second time, and from then on answered with what that made", () => {
    const memories: unknown[] = [];
    const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], {
      compile: (principal, _digest, memory) => {
        memories.push(memory);
        return ok(principal);
      },
    });
    const first = verify(token);
    const second = verify(token);
    expect(second).toEqual(first);
    expect(verify(token)).toBe(second);
    expect(memories).toEqual([{ lastActiveAsOf: undefined }, { lastActiveAsOf: undefined }]);
    expect(memories[1]).toBe(memories[0]); // what was heard of it in between is not forgotten
    expect(reports).toMatchObject({ cache: ["miss", "hit", "hit"], algorithms: ["ES256"] }); // one signature
  });

  test("is told to whoever asks what is remembered, whether it came once or twice", () => {
    const { verify, verifier } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const [once, twice] = ["once", "twice"].map((jti) => signToken(key, goodClaims({ jti }))) as [string, string];
    for (const one of [twice, once, twice]) verify(one);
    expect([...verifier.remembered()].map(({ principal }) => principal.tokenId)).toEqual(["twice", "once"]);
  });

  test("is refused, and ends no process, when a bug strikes at the second time", () => {
    let count = 0;
    const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)], {
      compile: (principal) => {
        count += 1;
        if (count === 2) throw new Error("a bug");
        return ok(principal);
      },
    });
    expect([1, 2, 3].map(() => reasonOf(verify(token)))).toEqual(["ok", "internal_error", "ok"]);
  });

  test("keeps only the claims that are still read, its status always among them, and is compiled from all", () => {
    const seen: unknown[] = [];
    const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)], {
      keptClaims: ["roles", "absent"],
      compile: (principal) => {
        seen.push(principal.claims["aud"], principal.claims["roles"]);
        return ok(principal);
      },
    });
    const status = { status_list: { idx: 3, uri: "https://id.example.com/lists/1" } };
    const full = signToken(key, goodClaims({ roles: ["ops"], status }));
    const first = verify(full);
    expect(seen).toEqual([goodClaims()["aud"], ["ops"]]);
    expect(first).toMatchObject({ ok: true, value: { principal: { subject: goodClaims()["sub"] } } });
    expect(first.ok && first.value.principal.claims).toEqual({ status, roles: ["ops"] });
    expect(verify(full)).toEqual(first);
  });

  test("opens no door for a token that shares a part with it", () => {
    const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    expect(reasonOf(verify(token))).toBe("ok");
    const [header, payload, signature] = token.split(".");
    const [otherHeader, otherPayload, otherSignature] = signToken(next, goodClaims({ sub: "admin" }), {
      kid: "k1",
    }).split(".");
    for (const mixed of [
      `${header}.${payload}.${otherSignature}`,
      `${header}.${otherPayload}.${signature}`,
      `${otherHeader}.${otherPayload}.${signature}`,
      `${header}.${payload}.`,
      `${token}A`,
      token.slice(0, -1),
    ]) {
      expect(reasonOf(verify(mixed)), mixed).not.toBe("ok");
    }
  });

  test("expires on a hit as it would without a memory (CVE-2026-107719)", () => {
    const { verify, clock, reports } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    expect(reasonOf(verify(token))).toBe("ok");
    clock.setWallMs((NOW_S + 600 + 30) * 1000 - 1);
    expect(reasonOf(verify(token))).toBe("ok");
    clock.setWallMs((NOW_S + 600 + 30) * 1000);
    expect(reasonOf(verify(token))).toBe("expired");
    expect(reports.cache).toEqual(["miss", "hit", "stale"]);
  });

  test("is not yet valid on a hit when the clock was set back before its nbf", () => {
    const { verify, clock } = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const later = signToken(key, goodClaims({ nbf: NOW_S }));
    expect(reasonOf(verify(later))).toBe("ok");
    clock.setWallMs((NOW_S - 31) * 1000);
    expect(reasonOf(verify(later))).toBe("not_yet_valid");
    clock.setWallMs(NOW_S * 1000);
    expect(reasonOf(verify(later))).toBe("ok");
  });

  test("dies with its key", () => {
    const rotating = keysByHand([key.jwk], ALGORITHMS);
    const { verify, reports } = verifierFor([issuerWith(rotating, ALGORITHMS)]);
    expect(reasonOf(verify(token))).toBe("ok");
    rotating.replace([key.jwk, next.jwk]);
    expect(reasonOf(verify(token))).toBe("ok");
    rotating.replace([next.jwk]);
    expect(reasonOf(verify(token))).toBe("unknown_key");
    rotating.replace([next.jwk, { ...createTestKey("ES256", "k1").jwk }]);
    expect(reasonOf(verify(token))).toBe("bad_signature");
    rotating.replace([]);
    expect(reasonOf(verify(token))).toBe("keys_unavailable");
    expect(reports.cache).toEqual(["miss", "hit", "stale", "miss", "miss"]);
  });

  test("is forgotten by no one else's verifier and known to none", () => {
    const first = verifierFor([issuerWith(keys, ALGORITHMS)]);
    const strict = verifierFor([issuerWith(keys, ALGORITHMS, { audiences: ["billing-api"] })]);
    expect(reasonOf(first.verify(token))).toBe("ok");
    expect(reasonOf(strict.verify(token))).toBe("wrong_audience");
  });
});

test("a refusal is never remembered: what was refused for its time may come back", () => {
  const { verify, clock } = verifierFor([issuerWith(keys, ALGORITHMS)]);
  const later = signToken(key, goodClaims({ nbf: NOW_S + 60 }));
  expect(reasonOf(verify(later))).toBe("not_yet_valid");
  clock.setWallMs((NOW_S + 60) * 1000);
  expect(reasonOf(verify(later))).toBe("ok");
});

test("what another room cannot compile is refused and not remembered", () => {
  const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], { compile: () => err("claim_invalid") });
  expect(verify(token)).toEqual({ ok: false, error: { reason: "claim_invalid", issuerId: "main" } });
  expect(reasonOf(verify(token))).toBe("claim_invalid");
  expect(reports.cache).toEqual(["miss", "miss"]);
});

test("a bug of another room is a refusal, not a crash", () => {
  const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)], {
    compile: () => {
      throw new Error("a bug");
    },
  });
  expect(reasonOf(verify(token))).toBe("internal_error");
});

test("the number of tokens remembered is bounded, and so are their bytes", () => {
  const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 2 });
  const tokens = [1, 2, 3].map((i) => signToken(key, goodClaims({ jti: `t${i}` })));
  for (const one of tokens) verify(one);
  verify(tokens[2] ?? "");
  verify(tokens[1] ?? "");
  verify(tokens[0] ?? "");
  expect(reports.cache).toEqual(["miss", "miss", "miss", "hit", "hit", "miss"]);

  const large = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 3 });
  const heavy = [1, 2].map((i) => signToken(key, goodClaims({ jti: `t${i}`, filler: "x".repeat(11_000) })));
  for (const one of [...heavy, ...heavy.toReversed()]) expect(reasonOf(large.verify(one))).toBe("ok");
  expect(large.reports.cache).toEqual(["miss", "miss", "hit", "miss"]);
});

test.each([
  ["objects", { status: Array.from({ length: 450 }, () => ({})) }],
  ["members", { status: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`, 0])) }],
  ["arrays in arrays", { status: Array.from({ length: 2_000 }, () => []) }],
  ["short strings", { status: Array.from({ length: 2_000 }, () => "") }],
])("claims that are small to write and large to hold count as large: %s", (_what, claims) => {
  const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 64 }); // 256 KiB
  const tokens = [1, 2, 3].map((i) => signToken(key, goodClaims({ jti: `t${i}`, ...claims })));
  for (const one of [...tokens, ...tokens.toReversed()]) expect(reasonOf(verify(one))).toBe("ok");
  expect(reports.cache).toEqual(["miss", "miss", "miss", "hit", "hit", "miss"]);
});

test("claims that are let go count by their text alone", () => {
  const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 64 });
  const extra = Array.from({ length: 2_000 }, () => []);
  const tokens = [1, 2, 3].map((i) => signToken(key, goodClaims({ jti: `t${i}`, extra })));
  for (const one of [...tokens, ...tokens.toReversed()]) expect(reasonOf(verify(one))).toBe("ok");
  expect(reports.cache).toEqual(["miss", "miss", "miss", "hit", "hit", "hit"]);
});

test("a memory of none remembers nothing", () => {
  const { verify, reports } = verifierFor([issuerWith(keys, ALGORITHMS)], { verifiedTokens: 0 });
  expect(reasonOf(verify(token))).toBe("ok");
  expect(reasonOf(verify(token))).toBe("ok");
  expect(reports.cache).toEqual(["miss", "miss"]);
});

test("one issuer twice is a bug and is heard", () => {
  const one = issuerWith(keys, ALGORITHMS);
  expect(() => verifierFor([one, { ...one, id: "other" }])).toThrow(RangeError);
  expect(() => verifierFor([one, { ...one, issuer: "https://other.example" }])).toThrow(RangeError);
});

test("the principal carries what the token says and which key verified it", () => {
  const { verify } = verifierFor([issuerWith(keys, ALGORITHMS)], { keptClaims: ["aud"] });
  const outcome = verify(signToken(key, goodClaims({ nbf: NOW_S - 1, scope: ["a", "b"] })));
  expect(outcome.ok && outcome.value.principal).toMatchObject({
    issuerId: "main",
    subject: "alice",
    tokenId: "token-1",
    session: "session-1",
    tenant: "acme",
    client: "shop",
    scopes: ["a", "b"],
    keyId: "k1",
    issuedAtS: NOW_S,
    expiresAtS: NOW_S + 600,
    notBeforeS: NOW_S - 1,
    claims: { aud: "orders-api" },
  });
});
