// Decisions for the tests of what is told of them.

import type { Decision } from "../../../src/core/observer.ts";

export function allowed(changes: Partial<Decision> = {}): Decision {
  return {
    outcome: "allow",
    reason: "ok",
    tier: "standard",
    assurance: "live",
    stalenessMs: 1.23456,
    issuerId: "main",
    rule: "3",
    revokedBy: undefined,
    senderFlaw: undefined,
    wouldDeny: undefined,
    endedAt: { monotonicMs: 100_000_000_000, wallMs: 1_700_000_000_000 },
    durationMs: 0.4,
    method: "GET",
    path: "/api/orders",
    subject: "alice",
    traceId: undefined,
    ...changes,
  };
}

export function denied(changes: Partial<Decision> = {}): Decision {
  return allowed({ outcome: "deny", reason: "revoked", assurance: undefined, ...changes });
}
