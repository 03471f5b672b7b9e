// Pages through the live revocations by scanning Redis, so that other writers' markers are found too. A page may be
// short, or empty, before the last one; a marker may come twice, but one that stands throughout always comes.

import { ok, type Result } from "../../core/result.ts";
import type { Log } from "../../core/log.ts";
import type { Target } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import { markerId, revocationOf } from "../marker.ts";
import type { ListPage, ListQuery, StoredRevocation, StoreFault } from "../store.ts";
import { asksFor, scanPattern, targetOfKey } from "./marker-keys.ts";
import { readMarker, type Marker } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { indexKey, readIndex } from "./own-keys.ts";
import { foreignId } from "./writer.ts";

/** Keys that one SCAN walks: about 0.3 ms of Redis' time. */
const MAX_COUNT = 1_000;

/** SCANs for one page, so that a large foreign keyspace costs several short pages, not one long wait. */
const MAX_SCANS = 100;

/** Markers read at a time. */
const READ_TOGETHER = 100;

interface Place {
  /** Redis' own cursor; "0" begins and ends. */
  readonly scan: string;
  /** Keys found by the last SCAN for which the page had no room. */
  readonly left: readonly string[];
}

export async function listRevocations(
  ask: Ask,
  keyPrefix: string,
  query: ListQuery,
  log: Log,
): Promise<Result<ListPage, StoreFault>> {
  const exact = exactKey(keyPrefix, query);
  const found = exact === undefined ? await scanPage(ask, keyPrefix, query) : ok({ keys: [exact], next: undefined });
  if (!found.ok) return found;
  const items: StoredRevocation[] = [];
  const { keys, next } = found.value;
  for (let i = 0; i < keys.length; i += READ_TOGETHER) {
    const read = await Promise.all(keys.slice(i, i + READ_TOGETHER).map((key) => describe(ask, keyPrefix, key, log)));
    for (const one of read) {
      if (!one.ok) return one;
      if (one.value !== undefined) items.push(one.value);
    }
  }
  return ok({ items, cursor: next === undefined ? undefined : writeCursor(next) });
}

/** The one key that the query names, where it names one. */
function exactKey(keyPrefix: string, { kind, issuer, id }: ListQuery): string | undefined {
  switch (kind) {
    case undefined:
      return undefined;
    case "everything":
      return issuer === undefined && id === undefined ? markerKey(keyPrefix, { kind }) : undefined;
    case "issuer":
      return issuer !== undefined && id === undefined ? markerKey(keyPrefix, { kind, issuer }) : undefined;
    case "token":
    case "session":
    case "key":
    case "user":
    case "tenant":
    case "client":
      return issuer !== undefined && id !== undefined ? markerKey(keyPrefix, { kind, issuer, id }) : undefined;
  }
}

interface KeyPage {
  readonly keys: readonly string[];
  readonly next: Place | undefined;
}

async function scanPage(ask: Ask, keyPrefix: string, query: ListQuery): Promise<Result<KeyPage, StoreFault>> {
  const from = readCursor(query.cursor);
  const pattern = scanPattern(keyPrefix, query);
  const keys = new Set(from?.left.slice(0, query.limit));
  const left = from?.left.slice(query.limit) ?? [];
  let scan = from?.scan ?? "0";
  if (left.length > 0) return ok({ keys: [...keys], next: { scan, left } });
  let isAtEnd = from !== undefined && scan === "0";
  let count = MAX_COUNT;
  for (let scans = 0; !isAtEnd && keys.size < query.limit && scans < MAX_SCANS; scans += 1) {
    const reply = await ask("SCAN", scan, "MATCH", pattern, "COUNT", count);
    if (!reply.ok) return reply;
    const [next, batch] = reply.value as [string, string[]];
    const fresh = [...new Set(batch)].filter((key) => !keys.has(key) && isAskedFor(keyPrefix, query, key));
    const room = query.limit - keys.size;
    if (fresh.length > room && count > 1) {
      // Too many: the same stretch again in smaller steps, for a cursor cannot point into the middle of one.
      count = Math.max(1, Math.floor(count / 4));
      continue;
    }
    for (const key of fresh.slice(0, room)) keys.add(key);
    scan = next;
    isAtEnd = next === "0";
    if (fresh.length > room) return ok({ keys: [...keys], next: { scan, left: fresh.slice(room) } });
  }
  return ok({ keys: [...keys], next: isAtEnd ? undefined : { scan, left: [] } });
}

function isAskedFor(keyPrefix: string, query: ListQuery, key: string): boolean {
  const target = targetOfKey(keyPrefix, key);
  return target !== undefined && asksFor(query, keyPrefix, key, target);
}

/** The revocation under `key`; undefined where there is none any more, or nothing that a look-up would see. */
async function describe(
  ask: Ask,
  keyPrefix: string,
  key: string,
  log: Log,
): Promise<Result<StoredRevocation | undefined, StoreFault>> {
  const marker = await readMarker(ask, key);
  if (!marker.ok) return marker;
  const named = targetOfKey(keyPrefix, key);
  if (marker.value === "absent" || named === undefined) return ok(undefined);
  if (marker.value === "of another type") {
    log.warn("store_marker_of_wrong_type", { kind: named.kind });
    return ok(undefined);
  }
  return describeMarker(ask, keyPrefix, key, named, marker.value);
}

async function describeMarker(
  ask: Ask,
  keyPrefix: string,
  key: string,
  named: Target,
  { value, expiresAtMs }: Marker,
): Promise<Result<StoredRevocation, StoreFault>> {
  const id = markerId(value);
  if (id !== undefined) {
    const reply = await ask("GET", indexKey(keyPrefix, id));
    if (!reply.ok) return reply;
    const entry = readIndex(keyPrefix, reply.value);
    if (entry?.key === key) return ok(revocationOf(id, entry.target, value, expiresAtMs));
  }
  return ok(revocationOf(foreignId(keyPrefix, key), named, value, expiresAtMs));
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify([place.scan, ...place.left]), "utf8").toString("base64url");
}

/** Undefined, the beginning, for whatever is no cursor of ours. */
function readCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) return undefined;
    const [scan, ...left] = parts;
    return scan !== undefined && /^[0-9]{1,20}$/.test(scan) ? { scan, left } : undefined;
  } catch {
    return undefined;
  }
}
