// Revocations in this process's memory, for tests: gone with it, and no other process sees them. It never fails.

import type { Clock } from "../../core/clock.ts";
import { err, ok } from "../../core/result.ts";
import { isCursor } from "../cursor.ts";
import { markerKey } from "../keys.ts";
import { eventOf, liftValue } from "../logged-event.ts";
import { markerValue } from "../marker.ts";
import type { RevocationStore } from "../revocation-store.ts";
import type { IdempotentAnswer, ListPage, ListQuery, StoredRevocation, StoreFault } from "../store.ts";
import { laterExpiry, strengthened } from "../strengthen.ts";
import { createMemoryAuditStore } from "./audit-store.ts";
import { createMemoryEventLog } from "./event-log.ts";
import { createExpiringMap } from "./expiring-map.ts";
import { createMemoryFleetBoard } from "./fleet-board.ts";
import { createMemoryPendingStore } from "./pending-store.ts";
import { createMemoryPublicationStore } from "./publication-store.ts";

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Put before every key, as in the keys that `read` is asked for. */
  readonly keyPrefix: string;
}

interface HeldMarker {
  readonly value: string;
  readonly revocation: StoredRevocation;
}

const STOPPED: StoreFault = { cause: "stopped", detail: "the store was stopped" };

export function createMemoryStore(options: MemoryStoreOptions): RevocationStore {
  const { clock, keyPrefix } = options;
  const nowMs = (): number => clock.now().wallMs;
  const markers = createExpiringMap<HeldMarker>(nowMs);
  /** The key of each id that was ever live, so that a replaced one is told from an unknown one. */
  const keyOfId = createExpiringMap<string>(nowMs);
  const answers = createExpiringMap<IdempotentAnswer>(nowMs);
  const log = createMemoryEventLog();
  const audit = createMemoryAuditStore(() => (isStopped ? STOPPED : undefined));
  let isStopped = false;

  function live(id: string): { key: string; marker: HeldMarker | undefined } | undefined {
    const key = keyOfId.get(id);
    return key === undefined ? undefined : { key, marker: markers.get(key) };
  }

  function page(query: ListQuery): ListPage {
    const after = query.cursor ?? "";
    const found = markers.entries().filter(([key, marker]) => key > after && matches(marker.revocation, query));
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    const items = found.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(([, marker]) => marker.revocation),
      cursor: found.length > items.length && last !== undefined ? last[0] : undefined,
    };
  }

  return {
    ...audit,
    ...createMemoryFleetBoard(nowMs),
    ...createMemoryPendingStore(nowMs),
    ...createMemoryPublicationStore(nowMs),
    type: "memory",
    async start() {},
    async stop() {
      isStopped = true;
      log.stop();
    },
    eventsAfter: (seq, waitMs) => (isStopped ? Promise.resolve(err(STOPPED)) : log.eventsAfter(seq, waitMs)),
    health: () => ({ reachable: !isStopped, unfit: undefined, describe: "memory of this process" }),
    async read(keys) {
      return isStopped ? err(STOPPED) : ok(keys.map((key) => markers.get(key)?.value ?? null));
    },
    isReplicated: () => Promise.resolve(false),
    async put(revocation) {
      if (isStopped) return err(STOPPED);
      const key = markerKey(keyPrefix, revocation.target);
      const standing = markers.get(key);
      const result = strengthened(
        revocation,
        log.nextSeq,
        standing?.value,
        standing === undefined
          ? revocation.expiresAtMs
          : laterExpiry(revocation.expiresAtMs, standing.revocation.expiresAtMs),
      );
      markers.set(key, { value: markerValue(result), revocation: result }, result.expiresAtMs);
      keyOfId.set(result.id, key, result.expiresAtMs);
      // The replaced id is known as such while its replacement stands, beyond its own end.
      if (standing !== undefined) keyOfId.set(standing.revocation.id, key, result.expiresAtMs);
      log.append(eventOf("revoked", result.target, markerValue(result)));
      return ok(result);
    },
    async lift(id) {
      if (isStopped) return err(STOPPED);
      const known = live(id);
      if (known?.marker === undefined) return err({ cause: "not_found" });
      if (known.marker.revocation.id !== id) return err({ cause: "superseded" });
      markers.delete(known.key);
      keyOfId.delete(id);
      const { revocation } = known.marker;
      log.append(eventOf("lifted", revocation.target, liftValue({ ...revocation, atMs: nowMs() })));
      return ok(known.marker.revocation);
    },
    async get(id) {
      if (isStopped) return err(STOPPED);
      const revocation = live(id)?.marker?.revocation;
      return ok(revocation?.id === id ? revocation : undefined);
    },
    async list(query) {
      if (isStopped) return err(STOPPED);
      return isCursor(keyPrefix, query.cursor) ? ok(page(query)) : err({ cause: "unknown_cursor" });
    },
    async claimIdempotencyKey(key, fingerprint, ttlMs) {
      if (isStopped) return err(STOPPED);
      const bound = answers.get(key);
      if (bound === undefined) answers.set(key, { fingerprint, answer: "" }, nowMs() + ttlMs);
      return ok(bound);
    },
    async answerIdempotencyKey(key, answer, ttlMs) {
      if (isStopped) return err(STOPPED);
      if (answer.answer === "") answers.delete(key);
      else answers.set(key, answer, nowMs() + ttlMs);
      return ok(undefined);
    },
  };
}

function matches({ target }: StoredRevocation, query: ListQuery): boolean {
  if (query.kind !== undefined && target.kind !== query.kind) return false;
  if (query.issuer !== undefined && (!("issuer" in target) || target.issuer !== query.issuer)) return false;
  return query.id === undefined || ("id" in target && target.id === query.id);
}
