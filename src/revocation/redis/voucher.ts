// A control plane's word for a server: that it is there and remembers, and once nothing is missing that this server holds
// all that was acknowledged (ADR 13). It gives nothing back itself.

import type { Clock } from "../../core/clock.ts";
import type { FeedHead } from "../replica/source.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey, keeperKey, vouchedKey } from "./own-keys.ts";
import { VOUCH } from "./scripts.ts";

/** Its sign in the store lasts so long; renewed each second, and at the begin of a replay. */
const SIGN_LASTS_MS = 10_000;
const SIGN_EVERY_MS = 1_000;

/** Another may remember more, and comes back to the store within this: the longest pause before a connection is 500 ms. */
const OTHERS_WITHIN_MS = 750;

/** Who remembers nothing of before leaves the word to those who do. */
const REMEMBERING_WITHIN_MS = 3_000;

export interface VoucherOptions {
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly ask: Ask;
}

export class Voucher {
  readonly #options: VoucherOptions;
  /** The server that was met last, by its run id, and when; on the monotonic clock. */
  #server = "";
  #metAtMs = 0;
  #signedAtMs = -Infinity;
  #isVouched = false;
  /** It was there while all was well, so it knows what must not be missing. */
  #remembers = false;

  constructor(options: VoucherOptions) {
    this.#options = options;
  }

  /** Whoever answers next may be another server, or may have lost something. */
  doubt(): void {
    this.#isVouched = false;
  }

  /** Gives the word that can be given now; `last` is the newest entry that must be there. */
  async vouch(last: FeedHead): Promise<void> {
    const { keyPrefix, clock, ask } = this.#options;
    const nowMs = clock.now().monotonicMs;
    if (this.#isVouched && nowMs - this.#signedAtMs < SIGN_EVERY_MS) return;
    this.#isVouched = false;
    const keys = [feedHeadKey(keyPrefix), feedLogKey(keyPrefix), vouchedKey(keyPrefix), keeperKey(keyPrefix)];
    const may = [this.#remembers ? "1" : "", this.#mayVouchFor(nowMs)];
    const reply = await ask(
      "EVAL",
      VOUCH,
      keys.length,
      ...keys,
      last.epoch,
      last.seq,
      last.link,
      ...may,
      SIGN_LASTS_MS,
    );
    if (!reply.ok) return; // of a full store, too, which is followed on all the same
    const [server, isVouched] = (reply.value ?? [""]) as readonly [string, number?];
    if (server !== this.#server) this.#metAtMs = nowMs;
    this.#server = server;
    this.#isVouched = isVouched === 1;
    this.#remembers ||= this.#isVouched;
    this.#signedAtMs = nowMs;
  }

  /** The run id, or "" for none yet. */
  #mayVouchFor(nowMs: number): string {
    const waitMs = this.#remembers ? OTHERS_WITHIN_MS : REMEMBERING_WITHIN_MS;
    return nowMs - this.#metAtMs >= waitMs ? this.#server : "";
  }
}
