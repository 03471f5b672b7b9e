// The identity that the upstream is told is ours alone: each managed header is overwritten or removed, and none is left
// to the caller.
import { describe, expect, test } from "vitest";
import { decideAnonymous } from "../../../src/core/decide.ts";
import { deny, type Allow } from "../../../src/core/verdict.ts";
import type { CompiledIdentity } from "../../../src/ext-authz/compiled-identity.ts";
import { compileIdentity, compileIdentityPolicy } from "../../../src/ext-authz/identity.ts";
import { createResponseEncoder } from "../../../src/ext-authz/response.ts";
import { decodeCheckResponse, type CheckResponseMessage } from "../../support/ext-authz-proto.ts";
import { principalOf } from "../../support/principal.ts";

const HEADERS: ReadonlyMap<string, string> = new Map([
  ["x-auth-subject", "sub"],
  ["x-auth-issuer", "iss"],
  ["x-auth-client", "client"],
  ["x-auth-tenant", "tenant"],
  ["x-auth-session", "session"],
  ["x-auth-scope", "scope"],
  ["x-auth-token-id", "jti"],
  ["X-Auth-Roles", "roles"],
]);
const OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];
const policy = compileIdentityPolicy({ headers: HEADERS, forwardToken: true });
const encoder = createResponseEncoder("test");
const NOBODY = { tier: undefined, rule: undefined, issuerId: undefined };

function compiled(facts: Parameters<typeof principalOf>[0], from = policy): CompiledIdentity {
  const identity = compileIdentity(principalOf(facts), from);
  if (!identity.ok) throw new Error(identity.error);
  return identity.value;
}

function answer(identity: CompiledIdentity, spoofedNames: readonly string[] = []): CheckResponseMessage {
  return decodeCheckResponse(encoder.allow(decideAnonymous(), identity.okFields("anonymous", 0), NOBODY, spoofedNames));
}

function setHeaders(response: CheckResponseMessage): Record<string, string> {
  return Object.fromEntries((response.ok_response?.headers ?? []).map(({ header }) => [header.key, header.value]));
}

describe("the identity told to the upstream", () => {
  test("is each configured claim in its header, and what has no value is removed", () => {
    const response = answer(
      compiled({ tenant: "acme", scopes: ["orders:read", "admin"], claims: { roles: ["ops", "dev"] } }),
    );
    expect(setHeaders(response)).toEqual({
      "x-auth-subject": "alice",
      "x-auth-issuer": "https://id.example.com",
      "x-auth-tenant": "acme",
      "x-auth-session": "sid-1",
      "x-auth-scope": "orders:read admin",
      "x-auth-token-id": "jti-1",
      "x-auth-roles": "ops dev",
      "x-auth-assurance": "anonymous",
    });
    expect(response.ok_response?.headers_to_remove).toEqual(["x-auth-client", ...OVERRIDES]);
  });

  test("keeps alive no more than its own bytes: a piece of Node's pool is 64 KiB for each remembered token", () => {
    const fields = compiled({}).okFields("live", 0);
    expect(fields.buffer.byteLength).toBe(fields.length);
  });

  test("never comes from a claim's prototype", () => {
    const odd = compileIdentityPolicy({
      headers: new Map([
        ["x-a", "toString"],
        ["x-b", "__proto__"],
      ]),
      forwardToken: true,
    });
    expect(answer(compiled({}, odd)).ok_response?.headers_to_remove).toEqual(["x-a", "x-b", ...OVERRIDES]);
  });

  test("is a refusal where one value cannot be told as it is", () => {
    const identity = compileIdentity(principalOf({ claims: { roles: { admin: true } } }), policy);
    expect(identity).toEqual({ ok: false, error: "claim_invalid" });
  });

  test("without forwardToken leaves no Authorization", () => {
    const hidden = compileIdentityPolicy({ headers: HEADERS, forwardToken: false });
    expect(answer(hidden.anonymous).ok_response?.headers_to_remove).toContain("authorization");
    expect(answer(compiled({}, hidden)).ok_response?.headers_to_remove).toContain("authorization");
    expect(answer(policy.anonymous).ok_response?.headers_to_remove).not.toContain("authorization");
  });
});

describe("hazard 1 and 2: header default flipped, removal after setting", () => {
  const identities: readonly (readonly [string, CompiledIdentity])[] = [
    ["anonymous", policy.anonymous],
    ["with every claim", compiled({ tenant: "t", client: "c", scopes: ["s"], claims: { roles: "r" } })],
    ["with hardly any", compiled({ subject: undefined, session: undefined, tokenId: undefined })],
  ];

  test.each(identities)(
    "%s: every managed header is in exactly one of the two lists, and none is empty",
    (_name, identity) => {
      for (const assurance of ["live", "recent", "fail-open", "anonymous"] as const) {
        const verdict = { kind: "allow", assurance, principal: undefined, stalenessMs: 1 } as unknown as Allow;
        const response = decodeCheckResponse(encoder.allow(verdict, identity.okFields(assurance, 0), NOBODY, []));
        const set = (response.ok_response?.headers ?? []).map(({ header }) => header.key);
        const removed = response.ok_response?.headers_to_remove ?? [];
        expect([...set, ...removed].toSorted()).toEqual([...policy.managedNames].toSorted());
        expect(setHeaders(response)["x-auth-assurance"]).toBe(assurance);
        expect(Object.values(setHeaders(response))).not.toContain("");
      }
    },
  );

  test.each(identities)("%s: every header is set with OVERWRITE_IF_EXISTS_OR_ADD", (_name, identity) => {
    for (const option of answer(identity).ok_response?.headers ?? []) {
      expect(option).toEqual({ header: expect.anything(), append_action: "OVERWRITE_IF_EXISTS_OR_ADD" });
    }
  });

  test("a denial overwrites too", () => {
    const response = decodeCheckResponse(encoder.deny(deny("missing_token"), NOBODY));
    expect(response.denied_response?.headers.length).toBeGreaterThan(0);
    for (const option of response.denied_response?.headers ?? []) {
      expect(option).toEqual({ header: expect.anything(), append_action: "OVERWRITE_IF_EXISTS_OR_ADD" });
    }
  });
});

test("hazard 3: spellings found in the request are removed by the very name they were sent with", () => {
  const removed = answer(policy.anonymous, ["x_auth_subject", "X.Auth-Subject"]).ok_response?.headers_to_remove;
  expect(removed).toEqual(expect.arrayContaining(["x_auth_subject", "X.Auth-Subject"]));
});
