// Knows which server a link's connection leads to, and what to ask it along with a look-up so that the answer can be
// judged. Where the server, or its user, does not tell that, nothing is judged.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { Link } from "./link.ts";
import { keeperKey, vouchedKey } from "./own-keys.ts";
import { Vouching } from "./vouching.ts";

export interface MetServerOptions {
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Nobody's call waits for these questions, and a server that loads is slow to say so. */
const ANSWER_TIMEOUT_MS = 1_000;

const LOST = fault("store_lost", "no control plane has said yet that this server holds all that was acknowledged");
const NOT_MET = fault("disconnected", "the server was not asked yet which one it is");

export class MetServer {
  readonly #options: MetServerOptions;
  readonly #judged: readonly string[];
  readonly #vouching: Vouching;
  /** What is to be asked along; undefined: the server of this connection is not known yet. */
  #keys: readonly string[] | undefined;
  #why: StoreFault = NOT_MET;
  #meeting: object | undefined;

  constructor(options: MetServerOptions) {
    this.#options = options;
    this.#judged = [vouchedKey(options.keyPrefix), keeperKey(options.keyPrefix)];
    this.#vouching = new Vouching(() => options.log.warn("store_believed", { why: "no control plane vouches for it" }));
  }

  /** The keys to ask along, behind the others: none where nothing can be judged. */
  keys(): Result<readonly string[], StoreFault> {
    return this.#keys === undefined ? err(this.#why) : ok(this.#keys);
  }

  /** Call with each proof of the connection's role. Resolves once the server is known, or could not be asked. */
  async meet(link: Link, isFirst: boolean): Promise<void> {
    if (isFirst) {
      this.#keys = undefined;
      this.#why = NOT_MET;
      this.#meeting = undefined;
    }
    if (this.#keys !== undefined || this.#meeting !== undefined) return;
    const meeting = (this.#meeting = {});
    const server = await this.#askWhich(link);
    if (meeting !== this.#meeting) return; // another connection by now
    this.#meeting = undefined;
    if (!server.ok) {
      this.#why = server.error;
      return;
    }
    this.#keys = server.value === undefined ? [] : this.#judged;
    if (server.value !== undefined) return this.#vouching.meet(server.value);
    this.#options.log.warn("store_loss_not_told", { why: "the server, or its ACL, hides which one it is" });
  }

  /** Its run id; undefined where it, or the user's ACL, hides what would be needed. */
  async #askWhich(link: Link): Promise<Result<string | undefined, StoreFault>> {
    const [told, judged] = await Promise.all([
      link.send("INFO", ["server"], ANSWER_TIMEOUT_MS),
      link.send("MGET", this.#judged, ANSWER_TIMEOUT_MS),
    ]);
    for (const reply of [told, judged]) {
      if (!reply.ok) return reply.error.cause === "auth" ? ok(undefined) : reply;
    }
    return ok(told.ok ? runIdIn(told.value) : undefined);
  }

  /** Judges an answer by what it says to the keys asked along, if any were; `askedAtMs` on the monotonic clock. */
  judge([vouchedFor, keeper]: readonly (string | null)[], askedAtMs: number): Result<void, StoreFault> {
    if (vouchedFor === undefined || keeper === undefined) return ok(undefined);
    const nowMs = this.#options.clock.now().monotonicMs;
    return this.#vouching.isWhole(vouchedFor, keeper, askedAtMs, nowMs) ? ok(undefined) : err(LOST);
  }
}

function runIdIn(info: unknown): string | undefined {
  return typeof info === "string" ? /^run_id:(\w+)/m.exec(info)?.[1] : undefined;
}
