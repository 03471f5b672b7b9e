// The facts of `GET /status`, which `portcullis status` shows on one screen, and their JSON. Never a credential,
// a subject or a token.

import type { DenyReason } from "../core/deny-reason.ts";
import type { BreakerStateName } from "../core/observer.ts";

export interface StatusFacts {
  readonly version: string;
  readonly upForMs: number;
  readonly ready: boolean;
  readonly store: {
    readonly type: string;
    /** One line for people. */
    readonly describe: string;
    readonly reachable: boolean;
    readonly unfit: string | undefined;
    /** Age of its last complete answer; undefined: none yet. */
    readonly lastAnswerAgeMs: number | undefined;
  };
  /** undefined: there is none. */
  readonly replica:
    | {
        readonly entryCount: number;
        /** Of the last feed entry applied. */
        readonly seq: number;
        /** Since it last proved itself current; undefined: never yet. */
        readonly lagMs: number | undefined;
        /** Writes by hand are heard as they happen. */
        readonly isPushed: boolean;
        /** What keeps it from knowing of now; undefined: nothing known. */
        readonly why: string | undefined;
      }
    | undefined;
  /** undefined: this store has none. */
  readonly breaker: BreakerStateName | undefined;
  readonly issuers: readonly {
    readonly id: string;
    readonly keyCount: number;
    /** Age of the key set; undefined: never read. */
    readonly keysAgeMs: number | undefined;
  }[];
  readonly decisions: {
    readonly allowPerSecond: number;
    readonly denyPerSecond: number;
    /** Part of the allows. */
    readonly failOpenPerSecond: number;
  };
  readonly inFlightCount: number;
  /** What it would have refused since it started, by reason; undefined: it refuses. */
  readonly observing: Readonly<Partial<Record<DenyReason, number>>> | undefined;
}

/** The wire form: snake_case with units, unknown values null so that every member is always there. */
export interface StatusJson {
  readonly version: string;
  readonly up_for_ms: number;
  readonly ready: boolean;
  readonly store: {
    readonly type: string;
    readonly describe: string;
    readonly reachable: boolean;
    readonly unfit: string | null;
    readonly last_answer_age_ms: number | null;
  };
  readonly replica: {
    readonly entries: number;
    readonly seq: number;
    readonly lag_ms: number | null;
    readonly push: boolean;
    readonly why: string | null;
  } | null;
  readonly breaker: BreakerStateName | null;
  readonly issuers: readonly { readonly id: string; readonly keys: number; readonly keys_age_ms: number | null }[];
  readonly decisions_per_second: { readonly allow: number; readonly deny: number; readonly fail_open: number };
  readonly in_flight: number;
  readonly mode: "enforce" | "observe";
  /** Since the start, by reason; null where it refuses. */
  readonly would_deny: Readonly<Partial<Record<DenyReason, number>>> | null;
}

export function statusJson(facts: StatusFacts): StatusJson {
  const { store, replica, decisions } = facts;
  return {
    version: facts.version,
    up_for_ms: Math.round(facts.upForMs),
    ready: facts.ready,
    store: {
      type: store.type,
      describe: store.describe,
      reachable: store.reachable,
      unfit: store.unfit ?? null,
      last_answer_age_ms: rounded(store.lastAnswerAgeMs),
    },
    replica:
      replica === undefined
        ? null
        : {
            entries: replica.entryCount,
            seq: replica.seq,
            lag_ms: rounded(replica.lagMs),
            push: replica.isPushed,
            why: replica.why ?? null,
          },
    breaker: facts.breaker ?? null,
    issuers: facts.issuers.map(({ id, keyCount, keysAgeMs }) => ({
      id,
      keys: keyCount,
      keys_age_ms: rounded(keysAgeMs),
    })),
    decisions_per_second: {
      allow: decisions.allowPerSecond,
      deny: decisions.denyPerSecond,
      fail_open: decisions.failOpenPerSecond,
    },
    in_flight: facts.inFlightCount,
    mode: facts.observing === undefined ? "enforce" : "observe",
    would_deny: facts.observing ?? null,
  };
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
