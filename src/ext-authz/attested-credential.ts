// Decides which token a request is judged by where Envoy has verified it: the one that Envoy tells of, if the request carries no
// other beside it. It believes no header, and judges no claim.

import type { DenyReason } from "../core/deny-reason.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Attestation } from "../token/attested.ts";
import type { AuthzRequest } from "./authz-request.ts";
import type { AttestedPolicy, CheckPolicy } from "./check-policy.ts";
import type { Presented } from "./shown-sender.ts";

export type AttestedCredential =
  | {
      readonly kind: "found";
      readonly attestation: Attestation;
      /** The token in the request's own header; undefined: none, for Envoy found it elsewhere or removed it. */
      readonly presented: Presented | undefined;
    }
  | { readonly kind: "refused"; readonly reason: Extract<DenyReason, "missing_token" | "malformed_request"> }
  /** Envoy tells of none, and other issuers' tokens are verified here. */
  | { readonly kind: "none" };

/** However it is written, and whatever stands behind it. */
const TOKEN_SCHEME = /^[^a-z]*(?:bearer|dpop)/i;

export function attestedCredential(
  request: AuthzRequest,
  policy: CheckPolicy,
  { sources, isAlone }: AttestedPolicy,
): AttestedCredential {
  const found = request.attestations(sources);
  const [attestation, another] = found ?? [];
  if (found === undefined || another !== undefined) return { kind: "refused", reason: "malformed_request" };
  if (attestation === undefined) return isAlone ? { kind: "refused", reason: "missing_token" } : { kind: "none" };
  const presented = presentedBeside(request, policy);
  if (!presented.ok) return { kind: "refused", reason: presented.error };
  return { kind: "found", attestation, presented: presented.value };
}

function presentedBeside(
  { authorization }: AuthzRequest,
  { bearerToken, sender }: CheckPolicy,
): Result<Presented | undefined, "malformed_request"> {
  if (authorization.length > 1) return err("malformed_request");
  const bearer = bearerToken(authorization);
  if (bearer.ok) return ok({ scheme: "Bearer", token: bearer.value });
  const dpop = sender.dpop?.token(authorization);
  if (dpop?.ok === true) return ok({ scheme: "DPoP", token: dpop.value });
  // None, or another scheme's: nothing that an upstream, however lenient, could take for the token.
  return TOKEN_SCHEME.test(authorization[0]?.toString("latin1") ?? "") ? err("malformed_request") : ok(undefined);
}
