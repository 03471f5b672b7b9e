// The words of a run's history: what was done, told and answered, each at its time. It judges nothing.

import type { TargetKind } from "../../src/core/target.ts";

/** All times are milliseconds on the one monotonic clock of the process that drives the run. */
export interface History {
  readonly tiers: Readonly<Record<string, TierFacts>>;
  readonly revocations: readonly Revocation[];
  readonly calls: readonly Call[];
  readonly disturbances: readonly Disturbance[];
  /** When all faults were over and everything answered again; undefined: that never came. */
  readonly healedAtMs: number | undefined;
}

export interface TierFacts {
  readonly maxStalenessMs: number;
  /** 0: it has none. */
  readonly failOpenForMs: number;
}

/** What a token says of itself, as far as revocations go by it. */
export interface TokenFacts {
  readonly jti: string;
  readonly sid: string;
  readonly sub: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly iatS: number;
}

export interface Revocation {
  readonly kind: TargetKind;
  readonly id: string;
  /** Its marker in the store. */
  readonly key: string;
  /** Of the first attempt: from here on it may be in force. */
  readonly sentAtMs: number;
  /** The whole answer had been read; undefined: never acknowledged, so nothing is promised. */
  ackedAtMs?: number;
  /** As the receipt said; `by hand`: a SET that Redis answered OK. */
  durability?: "stored" | "replicated" | "by hand";
  /** Of those that revoke what was issued before. */
  issuedBeforeS?: number;
  /** From here on it may be in force no longer. */
  liftSentAtMs?: number;
  liftAckedAtMs?: number;
  /** Whether the store had its marker at the end, when all was whole again. */
  wasKept?: boolean;
}

export interface Call {
  readonly token: TokenFacts;
  readonly tier: string;
  readonly beganAtMs: number;
  /** When the answer was there, or nobody waited for it any longer. */
  readonly endedAtMs: number;
  /** As Envoy's log has it; `none`: no sidecar answered. */
  readonly decision: "allow" | "deny" | "none";
  readonly assurance: string;
  readonly reason: string;
  /** Which process decided, one started anew being another; "" with `none`. */
  readonly decidedBy: string;
}

/** What a fault did that bears on what may be promised. */
export interface Disturbance {
  readonly kind:
    | "store silenced" // no look-up of any sidecar can have been answered in this time
    | "store struck" // a server of the store was killed, paused or failed over: what it held may be lost
    | "primary deposed" // in this time a server may have answered as a primary that was none any longer
    | "planes forgot"; // at the end of this time no control plane remembered what it knew at its beginning
  readonly fromMs: number;
  readonly toMs: number;
}
