// Where an issuer's keys come from: read once at start, refreshed ahead in the background, kept through errors.

import type { Clock, Instant } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { Span } from "../core/tracing.ts";
import type { Algorithm } from "./algorithms.ts";
import type { KeySet } from "./key-set.ts";

/** Where the JWKS document is. `allowHttp` covers the URL written in the configuration only. */
export type JwksLocation =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string; readonly allowHttp: boolean }
  | { readonly kind: "discovery"; readonly issuer: string; readonly allowHttp: boolean };

/** A source may serve a new verifier after a reload while `location` and `algorithms` are unchanged. */
export interface KeySourceOptions {
  readonly issuerId: string;
  readonly location: JwksLocation;
  /** The issuer's list in its order: a key without `alg` is bound to the first one that fits it. */
  readonly algorithms: readonly Algorithm[];
  readonly clock: Clock;
  readonly observer: Pick<Observer, "jwksFetched" | "jwksKeyDropped" | "jwksReadAt">;
  readonly log: Log;
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
  refetchFor(kid: string, now: Instant, deadlineAtMs: number, span: Span | undefined, done: (keys: KeySet) => void): void;
  status(): KeySourceStatus;
}
