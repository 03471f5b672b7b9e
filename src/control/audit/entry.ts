// One entry of the audit trail: who did what to whom, when and why. It never holds a token.

import { withoutTokens } from "../../core/token-like.ts";
import type { Target, TargetKind } from "../../core/target.ts";

/** Closed: people filter by them. */
export const AUDIT_ACTIONS = [
  "revoke",
  /** It waits for another's approval; its id is that of what waits. */
  "revoke_pending",
  /** Of what waited, by another than who asked for it. `revoke` by him follows. */
  "approve",
  "approve_refused",
  "withdraw",
  "lift",
  /** The store did not acknowledge it: it may have happened or not. */
  "revoke_unconfirmed",
  "lift_unconfirmed",
  "revoke_refused",
  "lift_refused",
  "access_refused",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  /** The caller's name; "stranger" where nobody knows it. */
  readonly actor: string;
  readonly action: AuditAction;
  /** Of what was refused no more than its kind, for the rest was not looked at. */
  readonly target: Target | { readonly kind: TargetKind } | undefined;
  /** The revocation's; of a refusal the code of the problem. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Of the revocation. */
  readonly id: string | undefined;
  /** How often it happened, where it was told once for several. */
  readonly count: number | undefined;
}

/** `keyId` names the key that the record is signed with. */
export function entryText({ atMs, ...entry }: AuditEntry, keyId: string): string {
  return withoutTokens(JSON.stringify({ v: 1, ...entry, at: atMs, key: keyId }));
}

/** An entry as it was written, in JSON. */
export type WrittenEntry = Readonly<Record<string, unknown>> & { readonly at: number; readonly key: unknown };

/** Undefined where the text is no entry. */
export function readEntry(text: string): WrittenEntry | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === "object" && entry !== null && "at" in entry && Number.isFinite(entry.at)
      ? (entry as WrittenEntry)
      : undefined;
  } catch {
    return undefined; // whoever wrote it, it was not us
  }
}
