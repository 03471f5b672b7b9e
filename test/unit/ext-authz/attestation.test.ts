// What Envoy tells of a token that it has verified is believed; what the request itself carries only has to agree with it.

import { describe, expect, test } from "vitest";
import { ok } from "../../../src/core/result.ts";
import { attestedCredential } from "../../../src/ext-authz/attested-credential.ts";
import type { AttestedSource } from "../../../src/ext-authz/attested-source.ts";
import type { AttestedPolicy, CompiledToken } from "../../../src/ext-authz/check-policy.ts";
import { readAuthzRequest } from "../../../src/ext-authz/request.ts";
import { watchHeaders } from "../../../src/ext-authz/watched-headers.ts";
import { createAttestedTokens } from "../../../src/token/attested.ts";
import { createCheckBench } from "../../support/check-bench.ts";
import { encodeCheckRequest, type StructMessage, type ValueMessage } from "../../support/ext-authz-proto.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  NOW_S,
  signToken,
  type Json,
} from "../../support/tokens.ts";

const NAMESPACE = "envoy.filters.http.jwt_authn";
const NOW = { monotonicMs: 0, wallMs: NOW_S * 1_000 };
const KEY = createTestKey("ES256", "k1");

function valueOf(value: unknown): ValueMessage {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "number") return { numberValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(valueOf) } };
  return value === null ? { nullValue: "NULL_VALUE" } : { structValue: structOf(value as Json) };
}

function structOf(object: Json): StructMessage {
  const known = Object.entries(object).filter(([, value]) => value !== undefined);
  return { fields: Object.fromEntries(known.map(([name, value]) => [name, valueOf(value)])) };
}

interface Told {
  readonly namespaces?: Readonly<Record<string, Json>>;
  readonly authorization?: string;
  readonly header?: string;
  readonly requireJti?: boolean;
}

/** "ok <subject>", or the reason, of a request with what Envoy tells and what it carries. */
function admitted({ namespaces = {}, authorization, header, requireJti = true }: Told, isAlone = true): string {
  const filter_metadata = Object.fromEntries(Object.entries(namespaces).map(([name, keys]) => [name, structOf(keys)]));
  const bytes = encodeCheckRequest({
    attributes: {
      metadata_context: { filter_metadata },
      request: { http: { method: "GET", path: "/", headers: authorization === undefined ? {} : { authorization } } },
    },
  });
  const request = readAuthzRequest(bytes, watchHeaders([]));
  if (request === undefined) throw new Error("the request cannot be read");
  const source = (payload: string, id: string): AttestedSource => ({
    issuer: issuerWith(keysByHand([], []), [], { id, requireJti }),
    namespace: NAMESPACE,
    payload,
    header,
  });
  const policy: AttestedPolicy = {
    sources: [source("jwt_payload", "main"), source("other_payload", "other")],
    isAlone,
    tokens: createAttestedTokens({
      maxTokenBytes: 16_384,
      verifiedTokens: 10,
      observer: { verifiedTokenCache: () => undefined },
      compile: () => ok({} as CompiledToken),
    }),
  };
  const found = attestedCredential(request, createCheckBench().policy, policy);
  if (found.kind !== "found") return found.kind === "refused" ? found.reason : "left to others";
  const outcomes = [1, 2].map(() => policy.tokens.admit(found.attestation, found.presented?.token, NOW));
  // Anew, and out of memory: the same.
  expect(outcomes.map((outcome) => outcome.ok)).toEqual([outcomes[0]?.ok, outcomes[0]?.ok]);
  const [outcome] = outcomes;
  if (outcome === undefined || !outcome.ok) return outcome?.error.reason ?? "nothing";
  return `ok ${outcome.value.principal.subject}, key ${outcome.value.principal.keyId}`;
}

const told = (claims: Json, more: Json = {}): Readonly<Record<string, Json>> => ({
  [NAMESPACE]: { jwt_payload: goodClaims(claims), ...more },
});

describe("a token that Envoy tells of", () => {
  test.each<[string, Told, string]>([
    ["is good without any header", { namespaces: told({}) }, "ok alice, key undefined"],
    [
      "has the key that its header names",
      { namespaces: told({}, { jwt_header: { kid: "k7", alg: "RS256" } }), header: "jwt_header" },
      "ok alice, key k7",
    ],
    ["without the header that was asked for", { namespaces: told({}), header: "jwt_header" }, "malformed_token"],
    ["for another audience", { namespaces: told({ aud: "billing" }) }, "wrong_audience"],
    ["that is expired", { namespaces: told({ exp: NOW_S - 60, iat: NOW_S - 600 }) }, "expired"],
    ["that lives too long", { namespaces: told({ exp: NOW_S + 90_000 }) }, "lifetime_too_long"],
    ["without jti", { namespaces: told({ jti: undefined }) }, "claim_invalid"],
    ["with a jti that is a number", { namespaces: told({ jti: 1.5e19 }) }, "claim_invalid"],
    ["of another issuer", { namespaces: told({ iss: "https://evil.example" }) }, "unknown_issuer"],
    ["that looks like an ID token", { namespaces: told({ nonce: "n" }) }, "wrong_type"],
    ["that is no object", { namespaces: { [NAMESPACE]: { jwt_payload: "text" } } }, "malformed_token"],
    [
      "in another namespace",
      { namespaces: { "envoy.filters.http.lua": { jwt_payload: goodClaims() } } },
      "missing_token",
    ],
    ["beside a second one", { namespaces: told({}, { other_payload: goodClaims() }) }, "malformed_request"],
  ])("%s", (_what, asked, expected) => {
    expect(admitted(asked)).toBe(expected);
  });

  test("nests no deeper than a token may", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 20; i += 1) deep = { deep };
    expect(admitted({ namespaces: told({ deep }) })).toBe("malformed_token");
  });
});

describe("what the request carries beside it", () => {
  const same = signToken(KEY, goodClaims());
  test.each<[string, string, string]>([
    ["the same token", `Bearer ${same}`, "ok alice, key undefined"],
    ["another user's", `Bearer ${signToken(KEY, goodClaims({ sub: "mallory" }))}`, "malformed_request"],
    ["an older one, revoked perhaps", `Bearer ${signToken(KEY, goodClaims({ jti: "old" }))}`, "malformed_request"],
    ["something that is no token", "Bearer x", "malformed_request"],
    ["one that only a lenient reader finds", `Bearer\t${same}`, "malformed_request"],
    ["one for a reader of proofs", `DPoP ${same}`, "malformed_request"],
    ["a password for something else", "Basic dXNlcjpwYXNz", "ok alice, key undefined"],
  ])("%s", (_what, authorization, expected) => {
    expect(admitted({ namespaces: told({}), authorization })).toBe(expected);
  });

  test("is another token where only its session differs, for it may lack a jti", () => {
    const revoked = signToken(KEY, goodClaims({ jti: undefined, sid: "revoked" }));
    const namespaces = told({ jti: undefined });
    expect(admitted({ namespaces, authorization: `Bearer ${revoked}`, requireJti: false })).toBe("malformed_request");
  });

  test("is never taken in its place", () => {
    expect(admitted({ authorization: `Bearer ${same}` })).toBe("missing_token");
    expect(admitted({ authorization: `Bearer ${same}` }, false)).toBe("left to others");
  });
});
