// Any answer that we encode by hand says to protobufjs what was meant.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DENY_REASONS, DENY_SHAPES } from "../../src/core/deny-reason.ts";
import { ASSURANCES, type Allow, type Deny } from "../../src/core/verdict.ts";
import { compileIdentity, compileIdentityPolicy } from "../../src/ext-authz/identity.ts";
import { createResponseEncoder } from "../../src/ext-authz/response.ts";
import { createIdentitySigner } from "../../src/token/identity-signer.ts";
import { decodeCheckResponse, metadataOf } from "../support/ext-authz-proto.ts";
import { principalOf } from "../support/principal.ts";
import { signingKeyPem } from "../support/signing-keys.ts";

const RUNS = { numRuns: 2_000 };
const encoder = createResponseEncoder("realm");
const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const by = fc.record({ tier: maybe(word), rule: maybe(word), issuerId: maybe(word) });
const known = (facts: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));

test("protobufjs reads every denial as it was meant", () => {
  const verdict = fc.record({
    kind: fc.constant("deny" as const),
    reason: fc.constantFrom(...DENY_REASONS),
    revokedBy: maybe(fc.record({ kind: fc.constant("user" as const), revocationId: maybe(word) })),
    requiredScopes: maybe(fc.array(word)),
    sender: fc.constant(undefined),
  });
  fc.assert(
    fc.property(verdict, by, (denied: Deny, { tier, rule, issuerId }) => {
      const response = decodeCheckResponse(encoder.deny(denied, { tier, rule, issuerId }));
      const body: unknown = JSON.parse(response.denied_response?.body ?? "");
      expect(body).toMatchObject({ status: DENY_SHAPES[denied.reason].httpStatus });
      expect(response.ok_response).toBeUndefined();
      expect(metadataOf(response)).toEqual(
        known({
          decision: "deny",
          reason: denied.reason,
          tier,
          rule,
          issuer: issuerId,
          revocation_id: denied.revokedBy?.revocationId,
        }),
      );
    }),
    RUNS,
  );
});

/** Under a name that `names` never makes. */
const SIGNED = {
  name: "signed",
  signer: createIdentitySigner({
    issuer: "https://guard.example.com",
    audience: "orders",
    keys: [signingKeyPem("EdDSA")],
    lifetimeMs: 60_000,
    skewMsOf: () => 0,
    random: Math.random,
  }),
};

test("protobufjs reads every allow as it was meant, each managed header in exactly one list", () => {
  const verdict = fc.record({
    kind: fc.constant("allow" as const),
    assurance: fc.constantFrom(...ASSURANCES),
    stalenessMs: maybe(fc.nat()),
  });
  const claim = maybe(fc.oneof(word, fc.array(word, { maxLength: 4 }), fc.boolean(), fc.integer(), fc.constant(null)));
  const names = fc.uniqueArray(fc.stringMatching(/^x-[a-z0-9-]{1,60}$/), { maxLength: 6 });
  fc.assert(
    fc.property(
      verdict,
      by,
      names,
      fc.array(claim, { minLength: 6, maxLength: 6 }),
      fc.boolean(),
      fc.option(fc.constant(SIGNED), { nil: undefined }),
      fc.nat(),
      (facts, { tier, rule, issuerId }, headers, values, forwardToken, signed, wallMs) => {
        const options = { headers: new Map(headers.map((name) => [name, name])), forwardToken, signed };
        const policy = compileIdentityPolicy(options);
        const claims = Object.fromEntries(headers.map((name, index) => [name, values[index]]));
        const identity = compileIdentity(principalOf({ claims }), policy);
        if (!identity.ok) return;
        const response = decodeCheckResponse(
          encoder.allow(
            facts as unknown as Allow,
            (facts.assurance === "anonymous" ? policy.anonymous : identity.value).okFields(facts.assurance, wallMs),
            { tier, rule, issuerId },
            [],
          ),
        );
        const set = response.ok_response?.headers.map(({ header }) => header.key) ?? [];
        const removed = response.ok_response?.headers_to_remove ?? [];
        const managed = forwardToken ? policy.managedNames : [...policy.managedNames, "authorization"];
        expect([...set, ...removed].toSorted()).toEqual([...managed].toSorted());
        expect(metadataOf(response)).toEqual(
          known({
            decision: "allow",
            reason: "ok",
            assurance: facts.assurance,
            tier,
            rule,
            issuer: issuerId,
            staleness_ms: facts.stalenessMs,
          }),
        );
      },
    ),
    RUNS,
  );
});
