// Allow or deny, final. Only decide() can make an Allow: its brand is not exported.

import type { DenyReason } from "./deny-reason.ts";
import type { RevokedBy } from "./evidence.ts";
import type { Principal } from "./principal.ts";

/** What an allow stands on: the store asked now, an answer within the tier's staleness, a tier's grace, no identity. */
export const ASSURANCES = ["live", "recent", "fail-open", "anonymous"] as const;
export type Assurance = (typeof ASSURANCES)[number];

declare const decided: unique symbol;

export interface AllowFacts {
  readonly kind: "allow";
  readonly assurance: Assurance;
  /** Absent on anonymous routes only. */
  readonly principal: Principal | undefined;
  /** Age of the revocation answer in milliseconds; of the store's last answer on fail-open; undefined if anonymous. */
  readonly stalenessMs: number | undefined;
}

export type Allow = AllowFacts & { readonly [decided]: true };

export interface Deny {
  readonly kind: "deny";
  readonly reason: DenyReason;
  /** With reason `revoked` only. */
  readonly revokedBy: RevokedBy | undefined;
  /** With reason `insufficient_scope`: all scopes the route asks for. */
  readonly requiredScopes: readonly string[] | undefined;
}

export type Verdict = Allow | Deny;

export function deny(reason: DenyReason): Deny {
  return { kind: "deny", reason, revokedBy: undefined, requiredScopes: undefined };
}
