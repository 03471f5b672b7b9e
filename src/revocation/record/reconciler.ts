// Brings the store back to what the record says, whatever the store has lost or got back from an older copy. It writes
// under each target's lock, and only what the record says while it holds it.

import type { PoolClient } from "pg";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { RecordRepair } from "../../core/observer.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import { markerFacts } from "../marker-facts.ts";
import type { FeedHead } from "../replica/source.ts";
import { goesOnFrom } from "../replica/stretch.ts";
import type { RevocationStore } from "../revocation-store.ts";
import type { StoreFault } from "../store.ts";
import type { RecordDatabase } from "./database.ts";
import { isLive, lockTarget, pruneRows, rowOf, rowsAfter, writeRow, type RecordRow } from "./rows.ts";

export interface ReconcilerOptions {
  readonly store: RevocationStore;
  readonly database: RecordDatabase;
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: Pick<Log, "info" | "warn">;
  readonly onRepair: (repair: RecordRepair) => void;
}

export interface Reconciler {
  start(): void;
  /** Resolves once what runs has come to an end. */
  stop(): Promise<void>;
}

/** How often the store is asked where its history stands: a loss is noticed within this. */
const LOOK_EVERY_MS = 1_000;
/** From the end of one walk over all rows to the next, at least, and ten times as long as the walk took. */
const REST_MS = 10_000;
const REST_PER_WALK = 10;
/** Rows a page, and markers asked for at once. */
const PAGE_COUNT = 1_000;
const READ_TIMEOUT_MS = 5_000;
/** A row as young as this may be on its way to the store still; its own writer puts it there. */
const SETTLED_AFTER_MS = 5_000;
/** At once: a whole history comes back in seconds, and other writers find room between. */
const REPAIRS_AT_ONCE = 8;

type Need = RecordRepair | "none";

export function createReconciler(options: ReconcilerOptions): Reconciler {
  return new StoreReconciler(options);
}

class StoreReconciler implements Reconciler {
  readonly #options: ReconcilerOptions;
  #head: FeedHead | undefined;
  #restUntilMs = 0;
  #stopTicks: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  /** The last walk left rows to those who were writing them. */
  #metUnderWay = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTicks = this.#options.schedule.every(LOOK_EVERY_MS, () => {
      this.#running ??= this.#look().finally(() => {
        this.#running = undefined;
      });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTicks?.();
    await this.#running;
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options;
    const page = await store.eventsAfter("end", 0);
    if (!page.ok) return; // nothing can be repaired now
    const { reached } = page.value;
    const isLost = this.#head !== undefined && !goesOn(this.#head, reached);
    this.#head = reached;
    const beganAtMs = clock.now().monotonicMs;
    if (!isLost && beganAtMs < this.#restUntilMs) return;
    if (!(await this.#walk())) {
      this.#head = undefined; // what was lost is still to be found
      return;
    }
    const endedAtMs = clock.now().monotonicMs;
    const restMs = this.#metUnderWay ? SETTLED_AFTER_MS : REST_MS;
    this.#restUntilMs = endedAtMs + Math.max(restMs, REST_PER_WALK * (endedAtMs - beganAtMs));
  }

  /** All rows, page by page; false: it could not be brought to its end. */
  async #walk(): Promise<boolean> {
    const { database, keyPrefix, clock, log } = this.#options;
    const done: Record<RecordRepair, number> = { restored: 0, lifted_again: 0, failed: 0 };
    let last: RecordRow | undefined;
    let isWhole = true;
    this.#metUnderWay = false;
    for (;;) {
      if (this.#isStopped) return false;
      const after = last;
      const page = await database.transaction(async (client) =>
        ok(await rowsAfter(client, keyPrefix, after, PAGE_COUNT, clock.now().wallMs)),
      );
      if (!page.ok) {
        isWhole = false;
        break;
      }
      last = page.value.at(-1);
      if (last === undefined) break;
      if (!(await this.#repairPage(page.value, done))) isWhole = false;
    }
    if (done.restored + done.lifted_again + done.failed > 0) log.warn("store_repaired_from_record", done);
    if (!isWhole || done.failed > 0) return false;
    await database.transaction(async (client) => ok(await pruneRows(client, keyPrefix, clock.now().wallMs)));
    return true;
  }

  async #repairPage(rows: readonly RecordRow[], done: Record<RecordRepair, number>): Promise<boolean> {
    const { store, clock, onRepair } = this.#options;
    const keys = rows.map((row) => row.key);
    const values = await store.read(keys, READ_TIMEOUT_MS);
    if (!values.ok) return false;
    const nowMs = clock.now().wallMs;
    const lacking = rows.filter((row, index) => needOf(row, values.value[index] ?? null, nowMs) !== "none");
    const broken = lacking.filter((row) => !isUnderWay(row, nowMs));
    if (broken.length < lacking.length) this.#metUnderWay = true;
    for (let next = 0; next < broken.length && !this.#isStopped; next += REPAIRS_AT_ONCE) {
      const outcomes = await Promise.all(broken.slice(next, next + REPAIRS_AT_ONCE).map((row) => this.#repair(row)));
      for (const outcome of outcomes) {
        const repair = outcome.ok ? outcome.value : "failed";
        if (repair === "none") continue;
        done[repair] += 1;
        onRepair(repair);
      }
    }
    return true;
  }

  #repair({ key, revocation: { target } }: RecordRow): Promise<Result<Need, StoreFault>> {
    const { store, database, keyPrefix, clock } = this.#options;
    return database.transaction(async (client) => {
      await lockTarget(client, key);
      const row = await rowOf(client, keyPrefix, target);
      const values = await store.read([key], READ_TIMEOUT_MS);
      if (!values.ok) return values;
      if (row === undefined) return ok("none");
      const need = needOf(row, values.value[0] ?? null, clock.now().wallMs);
      return need === "none" ? ok(need) : this.#apply(client, row, need);
    });
  }

  async #apply(client: PoolClient, row: RecordRow, need: Need): Promise<Result<Need, StoreFault>> {
    const { store, keyPrefix } = this.#options;
    const { revocation } = row;
    if (need === "lifted_again") {
      const lifted = await store.lift(revocation.id);
      // If it could not be found or was another's by now, it is gone as well.
      return !lifted.ok && "detail" in lifted.error ? err(lifted.error) : ok(need);
    }
    const stored = await store.put(revocation);
    if (!stored.ok) return stored;
    await writeRow(client, keyPrefix, stored.value);
    return ok(need);
  }
}

/** An empty store's first entry begins a history; every other head has to go on from the one before. */
function goesOn(before: FeedHead, now: FeedHead): boolean {
  return (before.epoch === "" && before.seq === 0) || goesOnFrom(now, before);
}

function isUnderWay({ revocation }: RecordRow, nowMs: number): boolean {
  return revocation.seq === undefined && nowMs - revocation.atMs < SETTLED_AFTER_MS;
}

/** What the store lacks, by what stands there. A marker by hand over a recorded one is joined with it, not kept alone. */
function needOf(row: RecordRow, value: string | null, nowMs: number): Need {
  const isOurs = value !== null && markerFacts(value).id === row.revocation.id;
  if (isLive(row, nowMs)) return isOurs ? "none" : "restored";
  return isOurs && row.liftedAtMs !== undefined ? "lifted_again" : "none";
}
