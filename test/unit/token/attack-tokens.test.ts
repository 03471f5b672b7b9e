// Attack tokens of every class, each with the reason it is refused for. The table is the answer to
// "which reason for what".
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import {
  base64url,
  createTestKey,
  goodClaims,
  ISSUER,
  issuerWith,
  keysByHand,
  NOW_S,
  reasonOf,
  signBytes,
  signToken,
  verifierFor,
  type Json,
} from "../../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["RS256", "ES256", "EdDSA"];
const rsa = createTestKey("RS256", "rsa-1");
const ec = createTestKey("ES256", "ec-1");
const ed = createTestKey("EdDSA", "ed-1");
const stranger = createTestKey("RS256", "rsa-1");
const keys = keysByHand([rsa.jwk, ec.jwk, ed.jwk], ALGORITHMS);
const untyped = {
  ...issuerWith(keys, ALGORITHMS),
  id: "untyped",
  issuer: "https://untyped.example.com",
  profile: "jwt" as const,
};
const { verify } = verifierFor([issuerWith(keys, ALGORITHMS), untyped]);

const good = (key = rsa): string => signToken(key, goodClaims());
const withHeader = (header: Json): string => signToken(rsa, goodClaims(), header);
const withClaims = (claims: Json): string => signToken(rsa, goodClaims(claims));
const withPayload = (text: string | Buffer): string => signBytes(rsa, HEADER, text);
const HEADER = JSON.stringify({ alg: "RS256", kid: "rsa-1", typ: "at+jwt" });
const PAYLOAD = JSON.stringify(goodClaims());

type Row = readonly [what: string, token: string, reason: string];
const refuse = (rows: readonly Row[]): void => {
  test.each(rows)("%s", (_what, token, reason) => {
    expect(reasonOf(verify(token))).toBe(reason);
    expect(reasonOf(verify(token)), "and again").toBe(reason);
  });
};

test("the tokens that the attacks start from are good", () => {
  for (const key of [rsa, ec, ed]) expect(reasonOf(verify(good(key)))).toBe("ok");
});

describe("malleable text (trap 15)", () => {
  const token = good();
  const head = token.slice(0, -1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  test.each([rsa, ec, ed])("no other last character of the signature passes, for $alg", (key) => {
    const text = good(key);
    const twins = [...alphabet].map((character) => text.slice(0, -1) + character).filter((twin) => twin !== text);
    const reasons = new Set(twins.map((twin) => reasonOf(verify(twin))));
    expect([...reasons].filter((reason) => reason !== "malformed_token" && reason !== "bad_signature")).toEqual([]);
  });

  test("no other last character of header or payload passes", () => {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const twins = [...alphabet].flatMap((character) => [
      `${header.slice(0, -1)}${character}.${payload}.${signature}`,
      `${header}.${payload.slice(0, -1)}${character}.${signature}`,
    ]);
    expect(twins.filter((twin) => verify(twin).ok).every((twin) => twin === token)).toBe(true);
  });

  refuse([
    ["padding", `${token}==`, "malformed_token"],
    ["whitespace in the signature", `${head.slice(0, -10)} ${token.slice(-11)}`, "malformed_request"],
    ["a line feed at the end", `${token}\n`, "malformed_request"],
    [
      "the other base64 alphabet",
      signBytes(rsa, HEADER, '{"a":"\u00bf\u00bf\u00bf???>>>"}').replaceAll("_", "/").replaceAll("-", "+"),
      "malformed_token",
    ],
    ["a character above ASCII", `${head}\u00e9`, "malformed_request"],
    ["a character whose low byte is in the alphabet", `${head}\u0141`, "malformed_request"],
    ["one character less", head, "malformed_token"],
    ["one byte less", token.slice(0, -2), "bad_signature"],
    ["one byte more", `${token}A`, "bad_signature"],
    ["three characters more", `${token}AAA`, "malformed_token"],
  ]);

  test("the (r, n−s) twin of an ECDSA signature is the same token to everyone who remembers tokens", () => {
    const digests: string[] = [];
    const remembering = verifierFor([issuerWith(keys, ALGORITHMS)], {
      compile: (principal, digest) => {
        digests.push(digest);
        return { ok: true, value: principal };
      },
    });
    const text = good(ec);
    const [header, payload, signature = ""] = text.split(".");
    const bytes = Buffer.from(signature, "base64url");
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]);
    expect(reasonOf(remembering.verify(text))).toBe("ok");
    expect(reasonOf(remembering.verify(`${header}.${payload}.${twin.toString("base64url")}`))).toBe("ok");
    expect(new Set(digests).size).toBe(1);
  });
});

describe("structure", () => {
  const [header = "", payload = "", signature = ""] = good().split(".");
  refuse([
    ["nothing", "", "malformed_token"],
    ["no dot", "abc", "malformed_token"],
    ["two segments", `${header}.${payload}`, "malformed_token"],
    ["four segments", `${header}.${payload}.${signature}.AA`, "malformed_token"],
    ["five segments, a JWE", `${header}.AA.AA.AA.AA`, "unsupported_token"],
    ["five segments with an empty key, a JWE", `${header}..AA.AA.AA`, "unsupported_token"],
    ["six segments", `${header}.AA.AA.AA.AA.AA`, "malformed_token"],
    ["dots alone", "..", "malformed_token"],
    ["no signature", `${header}.${payload}.`, "bad_signature"],
    ["an empty payload", `${header}..${signature}`, "malformed_token"],
    ["a detached payload", `${header}..${signature}`, "malformed_token"],
    ["a payload that is no JSON", withPayload("hello"), "malformed_token"],
    ["a payload that is an array", withPayload("[]"), "malformed_token"],
    ["a payload that is null", withPayload("null"), "malformed_token"],
    ["a header that is an array", signBytes(rsa, "[]", PAYLOAD), "malformed_token"],
    ["a JWT in a JWT", withPayload(good()), "malformed_token"],
  ]);
});

describe("JSON that two parsers read differently (trap 19)", () => {
  const twice = PAYLOAD.replace("{", '{"sub":"admin",');
  refuse([
    ["a claim twice", withPayload(twice), "malformed_token"],
    ["a claim twice, once escaped", withPayload(PAYLOAD.replace("{", '{"\\u0073ub":"admin",')), "malformed_token"],
    ["a claim's member twice", withPayload(PAYLOAD.replace("{", '{"act":{"sub":1,"sub":2},')), "malformed_token"],
    ["a header member twice", signBytes(rsa, HEADER.replace("{", '{"alg":"none",'), PAYLOAD), "malformed_token"],
    ["a BOM before the claims", withPayload(`\ufeff${PAYLOAD}`), "malformed_token"],
    ["a BOM before the header", signBytes(rsa, `\ufeff${HEADER}`, PAYLOAD), "malformed_token"],
    ["a lone surrogate", withPayload(PAYLOAD.replace("alice", "\\ud800")), "malformed_token"],
    [
      "bytes that are no UTF-8",
      withPayload(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])),
      "malformed_token",
    ],
    [
      "an overlong UTF-8 quote",
      withPayload(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xa2]), Buffer.from('"}')])),
      "malformed_token",
    ],
    ["UTF-16", withPayload(Buffer.from(PAYLOAD, "utf16le")), "malformed_token"],
    [
      "a surrogate as UTF-8",
      withPayload(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])),
      "malformed_token",
    ],
    [
      "seventeen levels",
      withPayload(`${PAYLOAD.slice(0, -1)},"a":${"[".repeat(16)}${"]".repeat(16)}}`),
      "malformed_token",
    ],
    ["something behind the object", withPayload(`${PAYLOAD}{}`), "malformed_token"],
  ]);

  test("sixteen levels are still read", () => {
    expect(reasonOf(verify(withPayload(`${PAYLOAD.slice(0, -1)},"a":${"[".repeat(15)}${"]".repeat(15)}}`)))).toBe("ok");
  });

  test("many dots and huge segments are refused by their size before they are split", () => {
    expect(reasonOf(verify(".".repeat(10_000_000)))).toBe("token_too_large");
    expect(reasonOf(verify("A".repeat(16 * 1024 + 1)))).toBe("token_too_large");
    expect(reasonOf(verify(".".repeat(16 * 1024)))).toBe("malformed_token");
    const filler = "x".repeat(16 * 1024);
    expect(reasonOf(verify(withClaims({ filler })))).toBe("token_too_large");
  });
});

describe("algorithm and key confusion (trap 17)", () => {
  const hmac = (secret: string): string => {
    const input = `${base64url(JSON.stringify({ alg: "HS256", kid: "rsa-1", typ: "at+jwt" }))}.${base64url(PAYLOAD)}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const unsigned = (alg: unknown): string =>
    `${base64url(JSON.stringify({ alg, kid: "rsa-1", typ: "at+jwt" }))}.${base64url(PAYLOAD)}.`;
  const zeros = (bytes: number, alg: string, kid: string): string =>
    `${base64url(JSON.stringify({ alg, kid, typ: "at+jwt" }))}.${base64url(PAYLOAD)}.${Buffer.alloc(bytes).toString("base64url")}`;
  const rs512 = { ...rsa, alg: "RS512" as const };
  const ps256 = { ...rsa, alg: "PS256" as const };
  refuse([
    ["none", unsigned("none"), "algorithm_not_allowed"],
    ["None", unsigned("None"), "algorithm_not_allowed"],
    ["NONE", unsigned("NONE"), "algorithm_not_allowed"],
    ["nOnE", unsigned("nOnE"), "algorithm_not_allowed"],
    ["none over a good signature", withHeader({ alg: "none" }), "algorithm_not_allowed"],
    ["an empty alg", unsigned(""), "algorithm_not_allowed"],
    ["no alg", unsigned(undefined), "malformed_token"],
    ["an alg that is an array", unsigned(["RS256"]), "malformed_token"],
    ["the wrong case", withHeader({ alg: "rs256" }), "algorithm_not_allowed"],
    ["HS256 with the public key as secret", hmac(JSON.stringify(rsa.jwk)), "algorithm_not_allowed"],
    ["HS256 with an empty secret", hmac(""), "algorithm_not_allowed"],
    ["an algorithm not on the list, well signed", signToken(rs512, goodClaims()), "algorithm_not_allowed"],
    ["PSS with a PKCS#1 key, well signed", signToken(ps256, goodClaims()), "algorithm_not_allowed"],
    ["a prototype's name as alg", withHeader({ alg: "constructor" }), "algorithm_not_allowed"],
    ["a listed algorithm with a key of another", withHeader({ alg: "ES256" }), "algorithm_not_allowed"],
    ["the other name of a key's algorithm", signToken(ed, goodClaims(), { alg: "Ed25519" }), "algorithm_not_allowed"],
    ["r = s = 0", zeros(64, "ES256", "ec-1"), "bad_signature"],
    ["an all-zero RSA signature", zeros(256, "RS256", "rsa-1"), "bad_signature"],
    ["an all-zero Ed25519 signature", zeros(64, "EdDSA", "ed-1"), "bad_signature"],
    ["an ECDSA signature too short", zeros(63, "ES256", "ec-1"), "bad_signature"],
    ["an ECDSA signature too long", zeros(65, "ES256", "ec-1"), "bad_signature"],
    ["an RSA signature with a zero byte in front", zeros(257, "RS256", "rsa-1"), "bad_signature"],
    ["another key under the same kid", signToken(stranger, goodClaims()), "bad_signature"],
    [
      "a tampered payload",
      good().replace(/\.[^.]+\./, `.${base64url(JSON.stringify(goodClaims({ sub: "admin" })))}.`),
      "bad_signature",
    ],
    ["an unknown kid", withHeader({ kid: "rsa-2" }), "unknown_key"],
    ["a kid that is a path", withHeader({ kid: "../../../../dev/null" }), "unknown_key"],
    ["a kid that is SQL", withHeader({ kid: "' UNION SELECT 'key" }), "unknown_key"],
    ["a kid that is a prototype's member", withHeader({ kid: "__proto__" }), "unknown_key"],
    ["a kid that is constructor", withHeader({ kid: "constructor" }), "unknown_key"],
    ["an empty kid", withHeader({ kid: "" }), "unknown_key"],
    ["a kid that is a number", withHeader({ kid: 1 }), "malformed_token"],
    ["a kid that is null", withHeader({ kid: null }), "malformed_token"],
    ["a kid of 257 bytes", withHeader({ kid: "k".repeat(257) }), "malformed_token"],
    ["a kid of 129 characters and 258 bytes", withHeader({ kid: "\u00e9".repeat(129) }), "malformed_token"],
    ["a kid of 256 bytes", withHeader({ kid: "k".repeat(256) }), "unknown_key"],
    ["crit", withHeader({ crit: ["exp"] }), "unsupported_token"],
    ["an empty crit", withHeader({ crit: [] }), "unsupported_token"],
    ["b64 false", withHeader({ b64: false, crit: ["b64"] }), "unsupported_token"],
    ["b64 true", withHeader({ b64: true }), "unsupported_token"],
    ["zip", withHeader({ zip: "DEF" }), "unsupported_token"],
    ["enc", withHeader({ enc: "A256GCM" }), "unsupported_token"],
    ["an embedded jwk", signToken(stranger, goodClaims(), { jwk: stranger.jwk }), "unsupported_token"],
    ["x5c", withHeader({ x5c: ["AAAA"] }), "unsupported_token"],
    ["crit that is null", withHeader({ crit: null }), "unsupported_token"],
  ]);

  test("without a kid a token is good only where one key alone could have signed it", () => {
    const token = signToken(rsa, goodClaims(), { kid: undefined });
    expect(reasonOf(verify(token))).toBe("ok");
    const two = keysByHand([rsa.jwk, { ...stranger.jwk, kid: "rsa-2" }], ALGORITHMS);
    expect(reasonOf(verifierFor([issuerWith(two, ALGORITHMS)]).verify(token))).toBe("unknown_key");
    expect(two.askedFor).toEqual([]);
    const none = keysByHand([ec.jwk], ALGORITHMS);
    expect(reasonOf(verifierFor([issuerWith(none, ALGORITHMS)]).verify(token))).toBe("unknown_key");
    expect(none.askedFor).toEqual([]);
  });

  test("without any key nothing is known, which is not the token's fault", () => {
    const empty = keysByHand([], ALGORITHMS);
    const outcome = verifierFor([issuerWith(empty, ALGORITHMS)]).verify(good());
    expect(outcome).toEqual({ ok: false, error: { reason: "keys_unavailable", issuerId: "main" } });
  });

  test("the issuer is picked before any key is touched", () => {
    const watched = keysByHand([rsa.jwk], ALGORITHMS);
    const { verify: judge } = verifierFor([issuerWith(watched, ALGORITHMS)]);
    expect(reasonOf(judge(signToken(rsa, goodClaims({ iss: "https://evil.example" }), { kid: "x" })))).toBe(
      "unknown_issuer",
    );
    expect(watched.askedFor).toEqual([]);
  });

  test("an algorithm that is not listed is refused before a key is looked for", () => {
    const watched = keysByHand([rsa.jwk], ALGORITHMS);
    const { verify: judge } = verifierFor([issuerWith(watched, ALGORITHMS)]);
    expect(reasonOf(judge(signToken(rsa, goodClaims(), { alg: "HS256", kid: "x" })))).toBe("algorithm_not_allowed");
    expect(watched.askedFor).toEqual([]);
  });

  test("a key of one issuer verifies no token of another", () => {
    const other = {
      ...issuerWith(keysByHand([{ ...stranger.jwk, kid: "other" }], ALGORITHMS), ALGORITHMS),
      id: "other",
      issuer: "https://other.example",
    };
    const both = verifierFor([issuerWith(keys, ALGORITHMS), other]);
    expect(reasonOf(both.verify(signToken(rsa, goodClaims({ iss: "https://other.example" }))))).toBe("unknown_key");
  });
});

describe("types of claims (trap 18)", () => {
  refuse([
    ["exp as a string", withClaims({ exp: String(NOW_S + 600) }), "claim_invalid"],
    ["exp as 1e400", withPayload(PAYLOAD.replace(`"exp":${NOW_S + 600}`, '"exp":1e400')), "claim_invalid"],
    [
      "exp as 2^53 + 1",
      withPayload(PAYLOAD.replace(`"exp":${NOW_S + 600}`, '"exp":9007199254740993')),
      "claim_invalid",
    ],
    ["exp in milliseconds", withClaims({ exp: NOW_S * 1000 }), "claim_invalid"],
    ["a negative exp", withClaims({ exp: -1 }), "claim_invalid"],
    ["exp just beyond 2100", withClaims({ exp: 4_102_444_801 }), "claim_invalid"],
    ["exp null", withClaims({ exp: null }), "claim_invalid"],
    ["no exp", withClaims({ exp: undefined }), "claim_invalid"],
    ["exp as an array", withClaims({ exp: [NOW_S + 600] }), "claim_invalid"],
    ["iat as a string", withClaims({ iat: String(NOW_S) }), "claim_invalid"],
    ["no iat", withClaims({ iat: undefined }), "claim_invalid"],
    ["a negative iat", withClaims({ iat: -1 }), "claim_invalid"],
    ["nbf as a string", withClaims({ nbf: String(NOW_S) }), "claim_invalid"],
    ["nbf null", withClaims({ nbf: null }), "claim_invalid"],
    ["a numeric jti", withPayload(PAYLOAD.replace('"token-1"', "12345678901234567890")), "claim_invalid"],
    ["an empty jti", withClaims({ jti: "" }), "claim_invalid"],
    ["no jti", withClaims({ jti: undefined }), "claim_invalid"],
    ["a jti too long to be revoked by", withClaims({ jti: "é".repeat(2_049) }), "claim_invalid"],
    ["a sub too long to be revoked by", withClaims({ sub: "x".repeat(4_097) }), "claim_invalid"],
    ["a numeric sub", withClaims({ sub: 7 }), "claim_invalid"],
    ["an empty sub", withClaims({ sub: "" }), "claim_invalid"],
    ["sub null", withClaims({ sub: null }), "claim_invalid"],
    ["sid as an array", withClaims({ sid: ["a"] }), "claim_invalid"],
    ["an empty tenant", withClaims({ tenant: "" }), "claim_invalid"],
    ["tenant as an object", withClaims({ tenant: {} }), "claim_invalid"],
    ["a numeric client", withClaims({ client_id: 1 }), "claim_invalid"],
    ["scope as a number", withClaims({ scope: 1 }), "claim_invalid"],
    ["scope as an array of numbers", withClaims({ scope: [1] }), "claim_invalid"],
    ["a scope element with a space in it", withClaims({ scope: ["read admin"] }), "claim_invalid"],
    ["an empty scope element", withClaims({ scope: [""] }), "claim_invalid"],
    ["aud as a number", withClaims({ aud: 1 }), "claim_invalid"],
    ["aud with a number in it", withClaims({ aud: ["orders-api", 1] }), "claim_invalid"],
    ["iss as an array", withClaims({ iss: [ISSUER] }), "claim_invalid"],
  ]);
});

describe("who, for whom, when", () => {
  refuse([
    ["no iss", withClaims({ iss: undefined }), "unknown_issuer"],
    ["another iss", withClaims({ iss: "https://id.example.org" }), "unknown_issuer"],
    ["iss with a slash more", withClaims({ iss: `${ISSUER}/` }), "unknown_issuer"],
    ["iss in another case", withClaims({ iss: ISSUER.toUpperCase() }), "unknown_issuer"],
    ["iss as a prototype's member", withClaims({ iss: "__proto__" }), "unknown_issuer"],
    ["no aud", withClaims({ aud: undefined }), "wrong_audience"],
    ["another aud", withClaims({ aud: "billing-api" }), "wrong_audience"],
    ["an empty list of aud", withClaims({ aud: [] }), "wrong_audience"],
    ["aud that contains ours", withClaims({ aud: "orders-api-admin" }), "wrong_audience"],
    ["expired beyond the skew", withClaims({ iat: NOW_S - 600, exp: NOW_S - 30 }), "expired"],
    ["nbf beyond the skew", withClaims({ nbf: NOW_S + 31 }), "not_yet_valid"],
    ["iat beyond the skew", withClaims({ iat: NOW_S + 31 }), "not_yet_valid"],
    ["a lifetime too long", withClaims({ iat: NOW_S, exp: NOW_S + 3601 }), "lifetime_too_long"],
  ]);

  test.each<[string, Json]>([
    ["aud among others", { aud: ["billing-api", "orders-api"] }],
    ["expired within the skew", { iat: NOW_S - 600, exp: NOW_S - 29 }],
    ["nbf within the skew", { nbf: NOW_S + 30 }],
    ["iat within the skew", { iat: NOW_S + 30 }],
    ["times with fractions", { iat: NOW_S + 0.25, exp: NOW_S + 60.5, nbf: NOW_S - 0.5 }],
    ["the longest lifetime", { iat: NOW_S, exp: NOW_S + 3600 }],
    [
      "no sub, sid, tenant, client or scope",
      { sub: undefined, sid: undefined, tenant: undefined, client_id: undefined, scope: undefined },
    ],
  ])("good: %s", (_what, claims) => {
    expect(reasonOf(verify(withClaims(claims)))).toBe("ok");
  });

  test("what is waived is not asked for", () => {
    const lenient = verifierFor([issuerWith(keys, ALGORITHMS, { audiences: undefined, requireJti: false })]);
    expect(reasonOf(lenient.verify(withClaims({ aud: undefined, jti: undefined })))).toBe("ok");
    expect(reasonOf(lenient.verify(withClaims({ aud: 1 })))).toBe("claim_invalid");
    expect(reasonOf(lenient.verify(withClaims({ jti: 1 })))).toBe("claim_invalid");
  });

  test("an issuer's clock ahead of ours is reported, within the skew and beyond it, and that one is not", () => {
    const watched = verifierFor([issuerWith(keys, ALGORITHMS)]);
    watched.verify(withClaims({ iat: NOW_S + 10 }));
    watched.verify(withClaims({ iat: NOW_S + 40 }));
    watched.verify(withClaims({ iat: NOW_S - 1 }));
    watched.verify(signToken(stranger, goodClaims({ iat: NOW_S + 50 })));
    expect(watched.reports.aheadS).toEqual([10, 40, 0]);
  });
});

describe("other kinds of JWT offered as an access token (trap 20)", () => {
  const atUntyped = (claims: Json, typ?: string): string =>
    signToken(rsa, goodClaims({ iss: untyped.issuer, ...claims }), { typ });
  refuse([
    ["an ID token where access tokens are typed", withHeader({ typ: "JWT" }), "wrong_type"],
    ["no typ where access tokens are typed", withHeader({ typ: undefined }), "wrong_type"],
    ["a typ that is a number", withHeader({ typ: 1 }), "wrong_type"],
    ["a logout token", withHeader({ typ: "logout+jwt" }), "wrong_type"],
    ["a security event", withHeader({ typ: "secevent+jwt" }), "wrong_type"],
    ["a DPoP proof", withHeader({ typ: "dpop+jwt" }), "wrong_type"],
    ["a status list", withHeader({ typ: "statuslist+jwt" }), "wrong_type"],
    ["an introspection answer", withHeader({ typ: "token-introspection+jwt" }), "wrong_type"],
    ["a typ that only begins like it", withHeader({ typ: "at+jwt2" }), "wrong_type"],
    ["untyped: a nonce, so an ID token", atUntyped({ nonce: "n" }), "wrong_type"],
    ["untyped: at_hash, so an ID token", atUntyped({ at_hash: "h" }, "JWT"), "wrong_type"],
    ["untyped: c_hash, so an ID token", atUntyped({ c_hash: "h" }), "wrong_type"],
    ["untyped: events, so a logout token or an event", atUntyped({ events: {} }), "wrong_type"],
    ["untyped: a nonce that is null", atUntyped({ nonce: null }), "wrong_type"],
    ["untyped: a typed logout token", atUntyped({}, "logout+jwt"), "wrong_type"],
    ["untyped: a DPoP proof", atUntyped({}, "dpop+jwt"), "wrong_type"],
    ["untyped: at+jwt", atUntyped({}, "at+jwt"), "wrong_type"],
  ]);

  test.each(["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])("typed: %s is an access token", (typ) => {
    expect(reasonOf(verify(withHeader({ typ })))).toBe("ok");
  });

  test.each(["JWT", "jwt", undefined])("untyped: typ %s may be an access token", (typ) => {
    expect(reasonOf(verify(atUntyped({}, typ)))).toBe("ok");
  });
});
