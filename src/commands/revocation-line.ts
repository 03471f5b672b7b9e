// A revocation as the control API sends it, and as people read it.

import { printable, when } from "./printable.ts";

export interface RevocationAnswer {
  readonly id: string;
  readonly seq?: number;
  /** Epoch milliseconds. */
  readonly at?: number;
  readonly target: { readonly kind: string; readonly issuer?: string; readonly id?: string };
  /** Epoch seconds. */
  readonly issued_before?: number;
  /** Epoch milliseconds. */
  readonly expires_at: number | null;
  readonly receipt?: {
    readonly fleet?: {
      readonly live: number;
      readonly applied: number;
      readonly pending: readonly string[];
      readonly ms: number;
    };
  };
}

/** What waits for a second person in its place. */
export interface PendingAnswer extends Pick<RevocationAnswer, "id" | "target"> {
  readonly status: "pending";
  /** Epoch milliseconds: it is gone then. */
  readonly expires_at: number;
}

export function isPending(answer: RevocationAnswer | PendingAnswer): answer is PendingAnswer {
  return "status" in answer && answer.status === "pending";
}

export interface ListedRevocation extends RevocationAnswer {
  /** Like `at` and `by`: absent where another program wrote the marker without it. */
  readonly reason?: string;
  readonly by?: string;
}

/** As in `user alice of main`. */
export function targetLine({ target }: Pick<RevocationAnswer, "target">): string {
  const of = target.issuer === undefined ? "" : target.id === undefined ? ` ${target.issuer}` : ` of ${target.issuer}`;
  return printable(`${target.kind}${target.id === undefined ? "" : ` ${target.id}`}${of}`);
}

/** Which of its tokens are meant. */
export function scopeLine({ issued_before: issuedBefore }: RevocationAnswer): string {
  return issuedBefore === undefined ? "all" : `issued before ${when(issuedBefore * 1_000)}`;
}

export function untilLine({ expires_at: expiresAt }: RevocationAnswer): string {
  return expiresAt === null ? "until lifted" : `until ${when(expiresAt)}`;
}

/** Who has applied it, where that was waited for and could be told; "" otherwise. */
export function fleetLine({ receipt }: RevocationAnswer): string {
  if (receipt?.fleet === undefined) return "";
  const { live, applied, pending, ms } = receipt.fleet;
  const others = pending.length === 0 ? "" : `, not known of ${pending.map(printable).join(", ")}`;
  return `applied on ${applied} of ${live} sidecars in ${ms} ms${others}`;
}
