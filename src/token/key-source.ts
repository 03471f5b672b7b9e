// What a verifier asks of whoever has an issuer's keys, read (polled-keys.ts) or told (told-keys.ts). Types alone.

import type { Instant } from "../core/clock.ts";
import type { Span } from "../core/tracing.ts";
import type { KeySet } from "./key-set.ts";

/** A document that was read whole and found good. It can be posted to another thread. */
export interface TakenReading {
  readonly text: string;
  /** Taken before the reading began. */
  readonly readAt: Instant;
}

export interface KeySourceStatus {
  readonly hasKeys: boolean;
  readonly keyCount: number;
  readonly kids: readonly string[];
  /** When the document was last read whole and taken over; undefined: never. */
  readonly lastReadWallMs: number | undefined;
  /** Why the last reading failed; undefined after a good one. Holds no credential of a URL. */
  readonly lastError: string | undefined;
}

export interface KeySource {
  /** Begins reading; resolves when the first attempt is over, whether it brought keys or not. Never rejects. */
  start(): Promise<void>;
  /** Ends every timer and connection; those who wait are answered with what is known. */
  stop(): Promise<void>;
  /** The keys to trust at `now`: empty before the first good reading and 24 h after the last one. */
  current(now: Instant): KeySet;
  /**
   * For a `kid` that current() lacks: joins or starts the one shared refetch, if the rate and the memory of absent
   * kids allow it. Calls `done` exactly once with the keys then known: before returning where no fetch is allowed,
   * otherwise at the latest about `deadlineAtMs` (monotonic clock).
   */
  refetchFor(
    kid: string,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (keys: KeySet) => void,
  ): void;
  /** Whether a good reading of the last half minute lacked `kid`; false where it could not be looked for. */
  isKnownAbsent(kid: string, now: Instant): boolean;
  status(): KeySourceStatus;
}
