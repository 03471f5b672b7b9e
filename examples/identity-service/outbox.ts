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

const MOST_AT_ONCE = 1_000;

/** A store behind the control plane that missed one answer has the next: a person need not be told of it. */
const SOON_MS = [100, 300] as const;
/** Whoever has waited so long is told. */
const LONGEST_WAIT_MS = 2_000;

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

  /** Those of them that are not acknowledged. */
  async function sendAll(revocations: readonly Revocation[]): Promise<readonly Revocation[]> {
    if (revocations.length === 0) return [];
    const { acknowledged, failure } = await send(revocations);
    const done = revocations.filter(({ id }) => acknowledged.has(id));
    await store.write(done.map((revocation) => ({ unlink: SET, member: JSON.stringify(revocation) })));
    const left = revocations.filter(({ id }) => !acknowledged.has(id));
    metrics.revocationSent.inc({ result: "acknowledged" }, done.length);
    metrics.revocationSent.inc({ result: "failed" }, left.length);
    if (left.length > 0) log("revocations_not_acknowledged", { count: left.length, failure });
    return left;
  }

  async function countPending(): Promise<void> {
    metrics.revocationsPending.set((await store.members(SET)).length);
  }

  async function sendPending(): Promise<void> {
    const members = await store.members(SET);
    const pending = members.slice(0, MOST_AT_ONCE).map((member) => JSON.parse(member) as Revocation);
    const left = await sendAll(pending);
    await countPending();
    if (left.length === 0) retryMs = FIRST_RETRY_MS;
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
      const beganAtMs = performance.now();
      let left = await sendAll(revocations);
      for (const pauseMs of SOON_MS) {
        if (left.length === 0 || performance.now() - beganAtMs > LONGEST_WAIT_MS) break;
        await sleep(pauseMs);
        left = await sendAll(left);
      }
      await countPending();
      if (left.length > 0) retryMs = FIRST_RETRY_MS;
      return left.length === 0;
    },
    pending: async () => (await store.members(SET)).map((member) => JSON.parse(member) as Revocation),
    async stop() {
      stopping.abort();
      await sending;
    },
  };
}
