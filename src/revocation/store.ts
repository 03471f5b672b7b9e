// The ports to the markers and to what writes them. Look-ups never throw. A whole store is in revocation-store.ts.

import type { UnknownCause } from "../core/evidence.ts";
import type { Result } from "../core/result.ts";
import type { Target } from "../core/target.ts";

/** Why the store did not do what was asked. `detail` is for the log: it holds no key and no value. */
export interface StoreFault {
  readonly cause: UnknownCause;
  readonly detail: string;
}

/** Reads markers for the Check path. */
export interface MarkerReader {
  /**
   * One batch: `values[i]` belongs to `keys[i]`, null where there is no such string key. The question is written
   * before this returns or not at all (never queued for a later connection), so an instant taken just before the
   * call is a true `asOf`. Settles within `timeoutMs`, connection included; never rejects.
   */
  read(keys: readonly string[], timeoutMs: number): Promise<Result<readonly (string | null)[], StoreFault>>;
}

/** A revocation somebody asks for, complete: defaults already applied. */
export interface NewRevocation {
  /** UUIDv7. Becomes the target's id if this one is stored. */
  readonly id: string;
  readonly target: Target;
  readonly reason: string;
  /** Who: the name of the token or the subject. */
  readonly by: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Epoch seconds; of watermark kinds only. */
  readonly issuedBeforeS: number | undefined;
  /** Epoch milliseconds; undefined: until lifted. */
  readonly expiresAtMs: number | undefined;
  /** Somebody waits until replicas have it: who applies it says so at once. */
  readonly isAwaited?: boolean;
}

/** A revocation as stored: after strengthening, so never weaker than what stood before. */
export interface StoredRevocation extends NewRevocation {
  /**
   * Its number, higher than of any given here before; not every number given was stored, so there may be gaps. Undefined
   * for a marker that another program wrote without one.
   */
  readonly seq: number | undefined;
}

export type LiftRefusal = { readonly cause: "not_found" | "superseded" } | StoreFault;

export interface ListQuery {
  readonly kind: Target["kind"] | undefined;
  readonly issuer: string | undefined;
  readonly id: string | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

export type ListRefusal = { readonly cause: "unknown_cursor" } | StoreFault;

export interface ListPage {
  readonly items: readonly StoredRevocation[];
  /** Opaque; undefined on the last page. */
  readonly cursor: string | undefined;
}

/** The answer once given for an idempotency key; `fingerprint` is of the request body. */
export interface IdempotentAnswer {
  readonly fingerprint: string;
  readonly answer: string;
}

/** Writes and lists revocations for the control plane. A resolved `ok` means durable in the store. */
export interface RevocationWriter {
  /**
   * Stores atomically against whatever stands for the target: later `issuedBeforeS`, later (or no) expiry, new id.
   */
  put(revocation: NewRevocation): Promise<Result<StoredRevocation, StoreFault>>;
  /**
   * Waits a while for a replica to have what `put` just stored. False where none said so in time, something else
   * stands there by now, or the store has no replicas.
   */
  isReplicated(stored: StoredRevocation): Promise<boolean>;
  /** Lifts the live revocation with this id; a replaced id is `superseded`. */
  lift(id: string): Promise<Result<StoredRevocation, LiftRefusal>>;
  get(id: string): Promise<Result<StoredRevocation | undefined, StoreFault>>;
  /** Live revocations, those of other writers included; a cursor that `list` never gave is refused. */
  list(query: ListQuery): Promise<Result<ListPage, ListRefusal>>;
  /**
   * Claims an idempotency key for `ttlMs`: undefined when it was free and is now bound to `fingerprint` with no
   * answer yet; otherwise what is bound to it (`answer` is "" while the first request has not finished).
   */
  claimIdempotencyKey(
    key: string,
    fingerprint: string,
    ttlMs: number,
  ): Promise<Result<IdempotentAnswer | undefined, StoreFault>>;
  /** Records the answer of a claimed key; an empty answer frees it. */
  answerIdempotencyKey(key: string, answer: IdempotentAnswer, ttlMs: number): Promise<Result<void, StoreFault>>;
}
