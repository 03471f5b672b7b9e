// Tells the audit trail of refusals: the first of its kind at once, those that follow within a minute as one entry with
// their count. So a flood of them is a line a minute, and pushes nothing else out of the trail.

import type { AuditAction, AuditEntry } from "./entry.ts";

export interface Refusal {
  readonly actor: string;
  readonly action: AuditAction;
  readonly target: AuditEntry["target"];
  /** The code of the problem that was answered. */
  readonly reason: string;
}

export interface Refusals {
  note(refusal: Refusal, nowMs: number): void;
  /** Tells what was only counted. */
  tell(nowMs: number): void;
}

/** Kinds of refusal told apart within a minute; those beyond are counted together. */
const MAX_KINDS = 1_000;

const OTHERS: Refusal = { actor: "several", action: "access_refused", target: undefined, reason: "several" };

export function createRefusals(record: (entry: AuditEntry) => void): Refusals {
  const counted = new Map<string, { readonly refusal: Refusal; count: number }>();

  function told(refusal: Refusal, atMs: number, count: number | undefined): void {
    record({ ...refusal, atMs, id: undefined, count });
  }

  return {
    note(asked, nowMs) {
      const name = JSON.stringify(asked);
      const isOneTooMany = counted.size >= MAX_KINDS && !counted.has(name);
      const key = isOneTooMany ? "" : name;
      const known = counted.get(key);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      const refusal = isOneTooMany ? OTHERS : asked;
      counted.set(key, { refusal, count: 0 });
      told(refusal, nowMs, undefined);
    },
    tell(nowMs) {
      const since = [...counted.values()];
      counted.clear();
      for (const { refusal, count } of since) if (count > 0) told(refusal, nowMs, count);
    },
  };
}
