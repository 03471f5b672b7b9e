// Allow or deny, final. Only decide() can make an Allow: its brand is not exported.

import type { DenyReason } from "./deny-reason.ts";
import type { RevokedBy } from "./evidence.ts";
import type { SenderFault } from "./possession.ts";
import type { Principal } from "./principal.ts";

/**
 * What an allow stands on: the store asked now, an answer within the tier's staleness, a tier's grace, no identity; or, where
 * nothing is refused, on nothing.
 */
export const ASSURANCES = ["live", "recent", "fail-open", "anonymous", "observed"] as const;
export type Assurance = (typeof ASSURANCES)[number];

declare const decided: unique symbol;

export interface AllowFacts {
  readonly kind: "allow";
  readonly assurance: Assurance;
  /** Absent on anonymous routes, and where the call was only observed. */
  readonly principal: Principal | undefined;
  /** Age of the revocation answer in milliseconds; of the store's last answer on fail-open; undefined if anonymous. */
  readonly stalenessMs: number | undefined;
  /** What would have been said instead, had this not been only observed. */
  readonly observed: Deny | undefined;
}

export type Allow = AllowFacts & { readonly [decided]: true };

export interface Deny {
  readonly kind: "deny";
  readonly reason: DenyReason;
  /** With reason `revoked` only. */
  readonly revokedBy: RevokedBy | undefined;
  /** With reason `insufficient_scope`: all scopes the route asks for. */
  readonly requiredScopes: readonly string[] | undefined;
  /** Where the token is good and its caller was not taken for whom it is bound to. */
  readonly sender: SenderFault | undefined;
}

export type Verdict = Allow | Deny;

export function deny(reason: DenyReason, sender?: SenderFault): Deny {
  return { kind: "deny", reason, revokedBy: undefined, requiredScopes: undefined, sender };
}
