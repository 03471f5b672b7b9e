// Appends entries to this control plane's own chain, several at once where several wait. It never makes whoever did
// something wait for longer than one attempt: what could not be stored is kept, and tried again.

import type { Log } from "../../core/log.ts";
import type { Result } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditStore } from "../../revocation/audit-store.ts";
import type { StoreFault } from "../../revocation/store.ts";
import { chained, type AuditKey } from "./chain.ts";
import { entryText, type AuditEntry } from "./entry.ts";
import { createOwnPlace } from "./place.ts";

export interface AuditWriterOptions {
  readonly store: AuditStore;
  readonly key: () => Promise<Result<AuditKey, StoreFault>>;
  readonly log: Log;
  /** Hears of entries that an attempt could not store, and of those that were given up. */
  readonly failed: (count: number) => void;
  /** Hears how many were stored. */
  readonly stored: (count: number) => void;
}

export interface AuditWriter {
  /** Resolves once `entry` is stored, or an attempt at it has failed. */
  record(entry: AuditEntry): Promise<void>;
  /** Entries given up, since there were too many to keep. */
  readonly lostCount: number;
  /** One more attempt at what is left. */
  stop(): Promise<void>;
}

/** Of some 300 bytes each: one step of the store stays well below a millisecond. */
const MAX_TOGETHER = 100;
/** Of an outage; about 5 MB. Further ones are given up: the order of the kept ones may have been stored already. */
const MAX_KEPT = 10_000;
const MAX_STEPS: number = AUDIT_CHAINS + MAX_KEPT;
const RETRY_AFTER_MS = 1_000;

interface Waiting {
  readonly entry: AuditEntry;
  /** Calls whoever waits; undefined once an attempt has failed. */
  attempted: (() => void) | undefined;
}

export function createAuditWriter(options: AuditWriterOptions): AuditWriter {
  const { store, log } = options;
  const queue: Waiting[] = [];
  const place = createOwnPlace(store, log);
  let running: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let lostCount = 0;

  function done(count: number): void {
    for (const waiting of queue.splice(0, count)) waiting.attempted?.();
    options.stored(count);
  }

  /** One step: undefined once it is done, else why it was not. */
  async function append(): Promise<StoreFault | undefined> {
    const key = await options.key();
    if (!key.ok) return key.error;
    const found = await place.find();
    if (!found.ok) return found.error;
    if (found.value.done > 0) done(found.value.done);
    const { chain, end } = found.value;
    const texts = queue.slice(0, MAX_TOGETHER).map(({ entry }) => entryText(entry, key.value.id));
    const records = chained(key.value, chain, end, texts);
    const last = records.at(-1);
    if (last === undefined) return undefined;
    const appended = await store.appendAudit(chain, end, records);
    if (!appended.ok) {
      place.unsure(last, records.length);
      return appended.error;
    }
    if (!appended.value) return faultOf(await place.moveOn());
    place.reached(last);
    done(records.length);
    return undefined;
  }

  /** Whether all was stored. */
  async function work(): Promise<boolean> {
    // One that moves on for ever would mean that all chains are written to faster than this one can.
    for (let steps = 0; queue.length > 0 && steps < MAX_STEPS; steps += 1) {
      const why = await append();
      if (why === undefined) continue;
      keepRest(why);
      return false;
    }
    return true;
  }

  /** Nobody waits for the next attempt. */
  function keepRest(why: StoreFault): void {
    const fresh = queue.filter(({ attempted }) => attempted !== undefined);
    log.error("audit_not_stored", { cause: why.cause, count: queue.length });
    options.failed(fresh.length);
    for (const waiting of fresh) {
      waiting.attempted?.();
      waiting.attempted = undefined;
    }
    clearTimeout(retry);
    retry = setTimeout(begin, RETRY_AFTER_MS).unref();
  }

  async function run(): Promise<void> {
    const isDone = await work();
    running = undefined;
    if (isDone && queue.length > 0) begin(); // came after the last look at the queue
  }

  function begin(): void {
    running ??= run();
  }

  return {
    async record(entry) {
      if (queue.length >= MAX_KEPT) {
        lostCount += 1;
        log.error("audit_lost", { action: entry.action, id: entry.id });
        return options.failed(1);
      }
      return new Promise((resolve) => {
        queue.push({ entry, attempted: resolve });
        begin();
      });
    },
    get lostCount() {
      return lostCount;
    },
    async stop() {
      await running;
      begin();
      await running;
      clearTimeout(retry);
    },
  };
}

function faultOf(outcome: Result<unknown, StoreFault>): StoreFault | undefined {
  return outcome.ok ? undefined : outcome.error;
}
