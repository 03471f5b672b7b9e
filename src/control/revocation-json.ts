// What the control API says of a revocation, in JSON. Times are epoch milliseconds, issued_before epoch seconds.

import type { StoredRevocation } from "../revocation/store.ts";
import type { Receipt } from "./asked.ts";

/** A revocation as listed. What another program's marker does not tell is left out; expires_at null: until lifted. */
export function revocationJson(revocation: StoredRevocation): Readonly<Record<string, unknown>> {
  return { ...facts(revocation), reason: revocation.reason || undefined, by: revocation.by || undefined };
}

/** The answer to whoever asked for it, with what was waited for. */
export function acknowledgedJson(revocation: StoredRevocation, receipt: Receipt): Readonly<Record<string, unknown>> {
  return { ...facts(revocation), receipt };
}

function facts(revocation: StoredRevocation): Readonly<Record<string, unknown>> {
  return {
    id: revocation.id,
    seq: revocation.seq,
    at: revocation.atMs || undefined,
    target: revocation.target,
    issued_before: revocation.issuedBeforeS,
    expires_at: revocation.expiresAtMs ?? null,
  };
}
