// Revocations that Portcullis is to be told of. One is kept, together with what it goes with, before anybody is told that it
// happened, and is sent until it is acknowledged: an outage of the control plane delays it and loses none.
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Revocation, Send } from "./portcullis.ts";
import type { Change, IdentityStore } from "./store/store.ts";

const SET = "outbox";

/** No token lives nearly so long: what could not be sent by then concerns nobody any more. */
const KEEP_MS = 24 * 3_600_000;

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 15_000;

export interface Outbox {
  /** To be written with the change that they belong to. */
  changes(revocations: readonly Revocation[]): readonly Change[];
  /** Sends what was just written. True: all of it is acknowledged; otherwise the rest is sent later. */
  deliver(revocations: readonly Revocation[]): Promise<boolean>;
  /** What nobody has acknowledged yet. */
  pending(): Promise<readonly Revocation[]>;
  /** Ends the sending; what is pending stays for the next start. */
  stop(): Promise<void>;
}

export interface OutboxOptions {
  readonly store: IdentityStore;
  readonly send: Send;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Begins at once with what an earlier process has left. */
export function startOutbox({ store, send, log, metrics }: OutboxOptions): Outbox {
  let retryMs = FIRST_RETRY_MS;
  const stopping = new AbortController();

  async function deliverOne(revocation: Revocation, member: string): Promise<boolean> {
    const failure = await send(revocation);
    metrics.revocationSent.inc({ result: failure === undefined ? "acknowledged" : "failed" });
    if (failure === undefined) {
      await store.write([{ unlink: SET, member }]);
      return true;
    }
    const { id, kind } = revocation;
    log("revocation_not_acknowledged", { id, kind, failure, retry_in_ms: retryMs });
    return false;
  }

  /** One after another, and no further than the first that fails: the next would fail alike. */
  async function sendPending(): Promise<void> {
    const members = await store.members(SET);
    metrics.revocationsPending.set(members.length);
    for (const member of members) {
      if (stopping.signal.aborted || !(await deliverOne(JSON.parse(member) as Revocation, member))) return;
      metrics.revocationsPending.dec();
    }
    retryMs = FIRST_RETRY_MS;
  }

  /** Goes on until the service stops, at the pace that the outcome suggests. */
  async function keepSending(): Promise<void> {
    for (;;) {
      try {
        await sleep(retryMs, undefined, { signal: stopping.signal });
      } catch {
        return;
      }
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      await sendPending().catch((error: unknown) => log("outbox_unreadable", { failure: String(error) }));
    }
  }
  const sending = keepSending();

  return {
    changes: (revocations) =>
      revocations.map((revocation) => ({
        link: SET,
        member: JSON.stringify(revocation),
        expiresAtMs: Date.now() + KEEP_MS,
      })),
    async deliver(revocations) {
      const delivered = await Promise.all(revocations.map((one) => deliverOne(one, JSON.stringify(one))));
      const left = delivered.filter((done) => !done).length;
      if (left > 0) {
        metrics.revocationsPending.inc(left);
        retryMs = FIRST_RETRY_MS;
      }
      return left === 0;
    },
    pending: async () => (await store.members(SET)).map((member) => JSON.parse(member) as Revocation),
    async stop() {
      stopping.abort();
      await sending;
    },
  };
}
