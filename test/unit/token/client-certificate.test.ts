// A token bound to a certificate is taken from whoever showed that very certificate to Envoy (RFC 8705), and from nobody else.

import { createHash, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import type { Result } from "../../../src/core/result.ts";
import { readConfirmation, type SenderConstraint } from "../../../src/token/confirmation.ts";
import { createPossessionJudge, type PossessionJudge } from "../../../src/token/possession.ts";
import { createCertificate } from "../../support/certificate.ts";

const OWN = createCertificate().certificatePem;
const THIEFS = createCertificate().certificatePem;
const thumbprint = (pem: string): string =>
  createHash("sha256").update(new X509Certificate(pem).raw).digest("base64url");

const judge: PossessionJudge = createPossessionJudge({
  algorithms: ["ES256"],
  maxAgeMs: 60_000,
  clockSkewMs: 0,
  maxSeenProofs: 10,
  nonceRequired: false,
  nonceSecret: undefined,
  maxWaiting: 1,
  clock: { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
});

function judged(certificate: string, jkt?: string): string {
  const confirmation = { jkt, x5tS256: thumbprint(OWN) };
  const shown = { scheme: "Bearer", token: Buffer.from("a.b.c"), method: "GET", proof: undefined } as const;
  let said = "nothing";
  const now = { monotonicMs: 0, wallMs: 0 };
  judge.judge(confirmation, { ...shown, certificate, isTarget: () => false }, now, 1_000, (outcome) => {
    said = outcome.ok ? "ok" : outcome.error.flaw;
  });
  return said;
}

test.each([
  ["as Envoy writes it", encodeURIComponent(OWN), "ok"],
  ["with the chain behind it", encodeURIComponent(`${OWN}${THIEFS}`), "ok"],
  ["none", "", "certificate_missing"],
  ["another's", encodeURIComponent(THIEFS), "certificate_mismatch"],
  ["another's with the right one behind it", encodeURIComponent(`${THIEFS}${OWN}`), "certificate_mismatch"],
  ["no certificate at all", "%2D%2D", "certificate_mismatch"],
  ["what cannot be decoded", "%zz", "certificate_mismatch"],
  ["what is too long to be one", "a".repeat(70_000), "certificate_mismatch"],
])("a certificate: %s", (_what, certificate, expected) => {
  expect(judged(certificate)).toBe(expected);
});

test("of a token bound to a key as well, the certificate alone is not enough", () => {
  expect(judged(encodeURIComponent(OWN), "k".repeat(43))).toBe("bound_token_as_bearer");
});

const read = (cnf: unknown, constraint: SenderConstraint = "ifBound"): string => {
  const found: Result<unknown, string> = readConfirmation(cnf, constraint);
  if (!found.ok) return found.error;
  return found.value === undefined ? "anybody's" : "bound";
};
const JKT = "j".repeat(43);

test.each<[string, unknown, string]>([
  ["no cnf", undefined, "anybody's"],
  ["a key", { jkt: JKT }, "bound"],
  ["a certificate", { "x5t#S256": JKT }, "bound"],
  ["a key, and what nobody here knows", { jkt: JKT, kid: "x" }, "bound"],
  ["only what nobody here can check", { jwk: { kty: "EC" } }, "claim_invalid"],
  ["nothing", {}, "claim_invalid"],
  ["a thumbprint that is none", { jkt: "short" }, "claim_invalid"],
  ["a thumbprint that is no text", { jkt: 7, "x5t#S256": JKT }, "claim_invalid"],
  ["no object", "jkt", "claim_invalid"],
  ["null", null, "claim_invalid"],
])("a token with %s", (_what, cnf, expected) => {
  expect(read(cnf)).toBe(expected);
});

test.each<[SenderConstraint, readonly string[]]>([
  ["dpop", ["claim_invalid", "bound", "claim_invalid"]],
  ["mtls", ["claim_invalid", "claim_invalid", "bound"]],
  ["either", ["claim_invalid", "bound", "bound"]],
  ["ignore", ["anybody's", "anybody's", "anybody's"]],
])("what an issuer's tokens must be bound to: %s", (constraint, expected) => {
  const tokens = [undefined, { jkt: JKT }, { "x5t#S256": JKT }];
  expect(tokens.map((cnf) => read(cnf, constraint))).toEqual(expected);
});
