// The header that nobody else can write: signed seldom, never stale, in exactly one list, and never somebody else's.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { decideAnonymous } from "../../../src/core/decide.ts";
import { ASSURANCES, type Allow, type Assurance } from "../../../src/core/verdict.ts";
import type { CompiledIdentity } from "../../../src/ext-authz/compiled-identity.ts";
import { compileIdentity, compileIdentityPolicy } from "../../../src/ext-authz/identity.ts";
import { createResponseEncoder } from "../../../src/ext-authz/response.ts";
import { createIdentitySigner, type IdentitySigner } from "../../../src/token/identity-signer.ts";
import { decodeCheckResponse } from "../../support/ext-authz-proto.ts";
import { principalOf } from "../../support/principal.ts";
import { signingKeyPem } from "../../support/signing-keys.ts";

const NOW_MS = 1_700_000_000_000;
const LIFETIME_MS = 60_000;
const NOBODY = { tier: undefined, rule: undefined, issuerId: undefined };

const encoder = createResponseEncoder("test");

function setUp(): {
  readonly identity: CompiledIdentity;
  readonly policy: ReturnType<typeof policyWith>;
  signedCount(): number;
} {
  const signer = createIdentitySigner({
    issuer: "https://guard.example.com",
    audience: "orders",
    keys: [signingKeyPem("EdDSA")],
    lifetimeMs: LIFETIME_MS,
    skewMsOf: () => 0,
    random: () => 0,
  });
  let signedCount = 0;
  const counting: IdentitySigner = {
    ...signer,
    sign(...asked) {
      signedCount += 1;
      return signer.sign(...asked);
    },
  };
  const policy = policyWith(counting);
  const identity = compileIdentity(principalOf(), policy);
  if (!identity.ok) throw new Error(identity.error);
  return { identity: identity.value, policy, signedCount: () => signedCount };
}

function policyWith(signer: IdentitySigner): ReturnType<typeof compileIdentityPolicy> {
  const headers = new Map([["x-auth-subject", "sub"]]);
  return compileIdentityPolicy({ headers, forwardToken: true, signed: { name: "x-auth-identity", signer } });
}

function told(identity: CompiledIdentity, assurance: Assurance, wallMs: number): string {
  const verdict = { kind: "allow", assurance, principal: undefined, stalenessMs: 1 } as unknown as Allow;
  const response = decodeCheckResponse(encoder.allow(verdict, identity.okFields(assurance, wallMs), NOBODY, []));
  const values = (response.ok_response?.headers ?? []).filter(({ header }) => header.key === "x-auth-identity");
  expect(values).toHaveLength(1);
  return values[0]?.header.value ?? "";
}

test("a token that is denied, or never seen again, costs no signature", () => {
  expect(setUp().signedCount()).toBe(0);
});

test("calls share a signature until a quarter of its lifetime is over, and then get one with all of it", () => {
  const { identity, signedCount } = setUp();
  const first = told(identity, "live", NOW_MS);
  expect(told(identity, "recent", NOW_MS + LIFETIME_MS / 4 - 1)).toBe(first);
  expect(identity.okFields("live", NOW_MS)).toBe(identity.okFields("recent", NOW_MS)); // nothing is encoded anew
  expect(signedCount()).toBe(1);
  const next = told(identity, "recent", NOW_MS + LIFETIME_MS / 4);
  expect(decodeJwt(next).exp).toBe((NOW_MS + LIFETIME_MS / 4 + LIFETIME_MS) / 1000);
  expect(signedCount()).toBe(2);
});

test("what reaches the upstream has half of its lifetime left, whenever it is asked for", () => {
  const { identity } = setUp();
  for (let wallMs = NOW_MS; wallMs < NOW_MS + 5 * LIFETIME_MS; wallMs += 777) {
    const { exp = 0 } = decodeJwt(told(identity, "recent", wallMs));
    expect(exp * 1000 - wallMs).toBeGreaterThanOrEqual(LIFETIME_MS / 2);
  }
});

test("a clock that was set back gets a signature of its own time; calls that overlap do not", () => {
  const { identity, signedCount } = setUp();
  told(identity, "live", NOW_MS);
  told(identity, "live", NOW_MS - 200);
  expect(signedCount()).toBe(1);
  expect(decodeJwt(told(identity, "live", NOW_MS - 3_600_000)).iat).toBe((NOW_MS - 3_600_000) / 1000);
});

test("a fail-open allow says so under the signature, and no other does", () => {
  const { identity } = setUp();
  const words = ["live", "fail-open", "recent"] as const;
  expect(words.map((word) => decodeJwt(told(identity, word, NOW_MS))["revocation"])).toEqual([
    "checked",
    "unknown",
    "checked",
  ]);
});

describe("hazard 2 and 20: in exactly one list, and of a type of its own", () => {
  test.each(ASSURANCES)("%s", (assurance) => {
    const { identity, policy } = setUp();
    const of = assurance === "anonymous" ? policy.anonymous : identity;
    const verdict = { ...decideAnonymous(), assurance } as Allow;
    const response = decodeCheckResponse(encoder.allow(verdict, of.okFields(assurance, NOW_MS), NOBODY, []));
    const set = (response.ok_response?.headers ?? []).map(({ header }) => header.key);
    const removed = response.ok_response?.headers_to_remove ?? [];
    expect([...set, ...removed].toSorted()).toEqual([...policy.managedNames].toSorted());
    expect(set.includes("x-auth-identity")).toBe(assurance !== "anonymous");
    expect(policy.managedNames).toContain("x-auth-identity"); // so that its other spellings are looked for
  });

  test("its typ is no access token's", () => {
    expect(decodeProtectedHeader(told(setUp().identity, "live", NOW_MS)).typ).toBe("portcullis-identity+jwt");
  });
});
