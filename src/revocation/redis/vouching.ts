// Whether a server's answers may be believed: control planes vouch for the server that holds all they remember, and after
// a failover or a loss nobody has yet (ADR 13). Pure but for what it remembers; it asks nobody.

/** Without any sign of a control plane for so long a server is believed: longer than one takes to come back to it. */
const SIGN_WITHIN_MS = 2_000;

export class Vouching {
  readonly #onBelieved: () => void;
  #server = "";
  /** A control plane has vouched for some server before. */
  #everVouched = false;
  /** Until an answer says otherwise: a process that just started cannot know that none was there. */
  #keeperWasThere = true;
  #doubtedSinceMs: number | undefined;
  #isBelieved = false;

  /** `onBelieved` is called when a server is believed though nobody vouches for it and somebody once did for one. */
  constructor(onBelieved: () => void) {
    this.#onBelieved = onBelieved;
  }

  /** A connection begins, to the server of this run id. */
  meet(server: string): void {
    // A control plane was cut off as we were, and comes back as we do.
    this.#doubtedSinceMs = undefined;
    if (server === this.#server) return;
    this.#server = server;
    this.#isBelieved = false;
  }

  /**
   * Judges an answer by what it says itself: for which server somebody vouched last, and the sign of a control plane that
   * remembers, each null where absent. Both instants on the monotonic clock: an answer may have lain in its socket for long.
   */
  isWhole(vouchedFor: string | null, keeper: string | null, askedAtMs: number, nowMs: number): boolean {
    if (vouchedFor !== null) this.#everVouched = true;
    if (vouchedFor === this.#server) {
      this.#keeperWasThere = keeper !== null;
      this.#doubtedSinceMs = undefined;
      this.#isBelieved = false;
      return true;
    }
    if (keeper !== null) {
      // It vouches once nothing is missing. Its sign ends by itself where it does not come to that.
      this.#keeperWasThere = true;
      this.#isBelieved = false;
      this.#doubtedSinceMs = nowMs;
      return false;
    }
    if (!this.#everVouched || this.#isBelieved) return true;
    this.#doubtedSinceMs ??= nowMs;
    if (this.#keeperWasThere && askedAtMs - this.#doubtedSinceMs < SIGN_WITHIN_MS) return false;
    this.#isBelieved = true;
    this.#keeperWasThere = false;
    this.#onBelieved();
    return true;
  }
}
