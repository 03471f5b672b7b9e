// Revocations in one SQLite file, for one machine: several processes may share it. Every call holds this thread while
// SQLite works, a write for as long as the disk takes to keep it, and all that come together with it.

import type { SQLOutputValue } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { ok, err, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { isCursor } from "../cursor.ts";
import { markerKey } from "../keys.ts";
import { eventOf, liftValue } from "../logged-event.ts";
import { markerValue, revocationOf } from "../marker.ts";
import type { RevocationStore } from "../revocation-store.ts";
import type { LiftRefusal, ListPage, ListQuery, NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import { laterExpiry, strengthened } from "../strengthen.ts";
import { embeddedAuditStore } from "./audit-store.ts";
import { createDatabase } from "./database.ts";
import { appendEvent, eventsAfter } from "./event-log.ts";
import { createEmbeddedFleetBoard } from "./fleet-board.ts";
import { createEmbeddedPendingStore } from "./pending-store.ts";
import { createEmbeddedPublicationStore } from "./publication-store.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { EmbeddedStoreOptions } from "./options.ts";
import type { Statements } from "./schema.ts";

type Row = Record<string, SQLOutputValue>;

/**
 * Another process holds the lock for the moment of its commit. A look-up tries again that long, without holding this
 * thread; a lock that is kept is told almost at once.
 */
const LOCKED_LOOK_UP_FOR_MS = 15;
const LOCKED_WRITE_FOR_MS = 2_000;
const LOCKED_PAUSE_MS = 3;

const STOPPED: StoreFault = { cause: "stopped", detail: "the store was stopped" };

export function createEmbeddedStore(options: EmbeddedStoreOptions): RevocationStore {
  const { path, keyPrefix, clock } = options;
  const database = createDatabase(path, clock);
  let lastFault: StoreFault | undefined = { cause: "disconnected", detail: "not asked yet" };
  let isStopped = false;

  async function whileLocked<T>(forMs: number, work: () => Result<T, StoreFault>): Promise<Result<T, StoreFault>> {
    const untilMs = clock.now().monotonicMs + forMs;
    for (;;) {
      if (isStopped) return err(STOPPED);
      const result = work();
      lastFault = result.ok ? undefined : result.error;
      if (result.ok || result.error.cause !== "locked" || clock.now().monotonicMs >= untilMs) return result;
      await delay(LOCKED_PAUSE_MS * (0.5 + Math.random()));
    }
  }

  function probe(): void {
    const result = isStopped ? err(STOPPED) : database.run((sql) => values(sql, [], clock.now().wallMs));
    lastFault = result.ok ? undefined : result.error;
  }

  function read<T>(work: (statements: Statements, now: number) => T): Promise<Result<T, StoreFault>> {
    return whileLocked(LOCKED_WRITE_FOR_MS, () => database.run((sql) => work(sql, clock.now().wallMs)));
  }

  const write = createGroupCommit(
    (work) => whileLocked(LOCKED_WRITE_FOR_MS, () => database.write((sql) => work(sql, clock.now().wallMs))),
    clock,
  );

  return {
    ...embeddedAuditStore(read, write),
    ...createEmbeddedFleetBoard(read, write),
    ...createEmbeddedPendingStore(read, write),
    ...createEmbeddedPublicationStore(read, write),
    type: "embedded",
    async start() {
      probe();
    },
    async stop() {
      isStopped = true;
      lastFault = STOPPED;
      database.close();
    },
    health() {
      // Nobody may be asking the store while it is not ready, so a fault is looked at again by whoever asks for it.
      if (lastFault !== undefined) probe();
      return {
        reachable: lastFault === undefined,
        unfit: undefined,
        describe: `SQLite file ${path}${lastFault === undefined ? "" : `, ${lastFault.cause}: ${lastFault.detail}`}`,
      };
    },
    read: (keys, timeoutMs) =>
      whileLocked(Math.min(timeoutMs, LOCKED_LOOK_UP_FOR_MS), () =>
        database.run((sql) => values(sql, keys, clock.now().wallMs)),
      ),
    isReplicated: () => Promise.resolve(false),
    put: (revocation) => write((sql, now) => put(sql, keyPrefix, revocation, now)),
    async lift(id) {
      const lifted = await write((sql, now) => lift(sql, id, now));
      return lifted.ok ? lifted.value : lifted;
    },
    get: (id) => read((sql, now) => revocationOfRow(sql.byId.get({ id, now }))),
    eventsAfter: (seq, waitMs) => eventsAfter(read, seq, waitMs),
    async list(query) {
      if (!isCursor(keyPrefix, query.cursor)) return err({ cause: "unknown_cursor" });
      return read((sql, now) => page(sql, query, now));
    },
    claimIdempotencyKey: (key, fingerprint, ttlMs) =>
      write((sql, now) => {
        const bound = sql.answer.get({ key, now });
        if (bound !== undefined) return { fingerprint: String(bound["fingerprint"]), answer: String(bound["answer"]) };
        sql.putAnswer.run({ key, fingerprint, answer: "", expiresAtMs: now + ttlMs });
        return undefined;
      }),
    answerIdempotencyKey: (key, { fingerprint, answer }, ttlMs) =>
      write((sql, now) => {
        if (answer === "") sql.deleteAnswer.run({ key });
        else sql.putAnswer.run({ key, fingerprint, answer, expiresAtMs: now + ttlMs });
      }),
  };
}

function values(sql: Statements, keys: readonly string[], now: number): readonly (string | null)[] {
  const found = new Map<string, string>();
  for (const row of sql.values.all({ keys: JSON.stringify(keys), now })) {
    found.set(String(row["key"]), String(row["value"]));
  }
  return keys.map((key) => found.get(key) ?? null);
}

function put(sql: Statements, keyPrefix: string, revocation: NewRevocation, now: number): StoredRevocation {
  const key = markerKey(keyPrefix, revocation.target);
  const row = sql.byKey.get({ key, now });
  const standing = revocationOfRow(row);
  const seq = nextSeq(sql);
  const result = strengthened(
    revocation,
    seq,
    row === undefined ? undefined : String(row["value"]),
    standing === undefined ? revocation.expiresAtMs : laterExpiry(revocation.expiresAtMs, standing.expiresAtMs),
  );
  if (standing !== undefined && standing.id !== result.id) {
    sql.supersede.run({ id: standing.id, expiresAtMs: result.expiresAtMs ?? null });
  }
  const { target } = result;
  sql.putMarker.run({
    key,
    value: markerValue(result),
    id: result.id,
    kind: target.kind,
    issuer: "issuer" in target ? target.issuer : null,
    name: "id" in target ? target.id : null,
    expiresAtMs: result.expiresAtMs ?? null,
  });
  appendEvent(sql, seq, eventOf("revoked", target, markerValue(result)));
  return result;
}

function nextSeq(sql: Statements): number {
  return Number(sql.nextSeq.get()?.["seq"]);
}

function lift(sql: Statements, id: string, now: number): Result<StoredRevocation, LiftRefusal> {
  const row = sql.byId.get({ id, now });
  const revocation = revocationOfRow(row);
  if (row === undefined || revocation === undefined) {
    return err({ cause: sql.isSuperseded.get({ id, now }) === undefined ? "not_found" : "superseded" });
  }
  sql.deleteMarker.run({ key: String(row["key"]) });
  const told = liftValue({ ...revocation, atMs: now });
  appendEvent(sql, nextSeq(sql), eventOf("lifted", revocation.target, told));
  return ok(revocation);
}

function page(sql: Statements, query: ListQuery, now: number): ListPage {
  const rows = sql.page.all({
    after: query.cursor ?? "",
    kind: query.kind ?? null,
    issuer: query.issuer ?? null,
    name: query.id ?? null,
    limit: query.limit + 1,
    now,
  });
  const shown = rows.slice(0, query.limit);
  return {
    items: shown.map(revocationOfRow).filter((item) => item !== undefined),
    cursor: rows.length > shown.length ? String(shown.at(-1)?.["key"]) : undefined,
  };
}

function revocationOfRow(row: Row | undefined): StoredRevocation | undefined {
  if (row === undefined) return undefined;
  const expiresAtMs = row["expires_at_ms"];
  return revocationOf(
    String(row["id"]),
    targetOfRow(row),
    String(row["value"]),
    typeof expiresAtMs === "number" ? expiresAtMs : undefined,
  );
}

function targetOfRow({ kind, issuer, name }: Row): Target {
  return { kind, ...(issuer === null ? {} : { issuer }), ...(name === null ? {} : { id: name }) } as Target;
}
