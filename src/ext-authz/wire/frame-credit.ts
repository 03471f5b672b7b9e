// Bounds what a peer may make us do without calling anything: floods of PING, SETTINGS, PRIORITY, empty DATA and the like
// (RFC 9113 §10.5). Resets of its own streams are free: Envoy sends one whenever its client goes away.

import { ENHANCE_YOUR_CALM, NO_ERROR, type ErrorCode } from "./frame.ts";
import { FRAME_CREDIT, FRAME_CREDIT_PER_CALL, FRAME_CREDIT_PER_SECOND } from "./limits.ts";

export class FrameCredit {
  private left: number;
  private filledAtMs: number;

  constructor(nowMs: number) {
    this.left = FRAME_CREDIT;
    this.filledAtMs = nowMs;
  }

  /** A call has begun. */
  earn(): void {
    this.left = Math.min(FRAME_CREDIT, this.left + FRAME_CREDIT_PER_CALL);
  }

  spend(cost: number): ErrorCode {
    this.left -= cost;
    return this.left >= 0 ? NO_ERROR : this.refill();
  }

  /** Looks at the clock only when there is nothing left. */
  private refill(): ErrorCode {
    const nowMs = performance.now();
    const earned = ((nowMs - this.filledAtMs) * FRAME_CREDIT_PER_SECOND) / 1_000;
    this.filledAtMs = nowMs;
    this.left = Math.min(FRAME_CREDIT, this.left + earned);
    return this.left >= 0 ? NO_ERROR : ENHANCE_YOUR_CALM;
  }
}
