// Pages through the live revocations by scanning Redis, so that other writers' markers are found too. A page may be
// short, or empty, before the last one; a marker may come twice, but one that stands throughout always comes.

import { err, ok, type Result } from "../../core/result.ts";
import type { Log } from "../../core/log.ts";
import type { Target } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import { revocationOf } from "../marker.ts";
import { markerFacts } from "../marker-facts.ts";
import type { ListPage, ListQuery, ListRefusal, StoredRevocation, StoreFault } from "../store.ts";
import { asksFor, scanPattern, targetOfKey } from "../marker-keys.ts";
import { readMarker, type Marker } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { indexKey, readIndex } from "./own-keys.ts";
import { isScanCursor, scanStepOf } from "./scan-step.ts";
import { foreignId } from "./writer.ts";

/** Keys that one SCAN walks: about 0.3 ms of Redis' time. */
const MAX_COUNT = 1_000;

/** SCANs for one page, so that a large foreign keyspace costs several short pages, not one long wait. */
const MAX_SCANS = 100;

/** Markers read at a time. */
const READ_TOGETHER = 100;

interface ScanPosition {
  /** Redis' own cursor; "0" begins and ends. */
  readonly scan: string;
  /** Keys found by the last SCAN for which the page had no room. */
  readonly left: readonly string[];
}

const BEGINNING: ScanPosition = { scan: "0", left: [] };

export async function listRevocations(
  ask: Ask,
  keyPrefix: string,
  query: ListQuery,
  log: Log,
): Promise<Result<ListPage, ListRefusal>> {
  const from = query.cursor === undefined ? BEGINNING : readCursor(keyPrefix, query.cursor);
  if (from === undefined) return err({ cause: "unknown_cursor" });
  const exact = exactKey(keyPrefix, query);
  const found =
    exact === undefined ? await scanPage(ask, keyPrefix, query, from) : ok({ keys: new Set([exact]), next: undefined });
  if (!found.ok) return found;
  const items: StoredRevocation[] = [];
  const { next } = found.value;
  const keys = [...found.value.keys];
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
  readonly keys: Set<string>;
  /** Where the next page begins; undefined: this is the last. */
  next: ScanPosition | undefined;
}

async function scanPage(
  ask: Ask,
  keyPrefix: string,
  query: ListQuery,
  from: ScanPosition,
): Promise<Result<KeyPage, StoreFault>> {
  const page = beginPage(keyPrefix, query, from);
  let count = MAX_COUNT;
  for (let scans = 0; scans < MAX_SCANS && page.next?.left.length === 0; scans += 1) {
    const room = query.limit - page.keys.size;
    if (room <= 0) break;
    const step = await scanStep(ask, keyPrefix, query, page.next.scan, count);
    if (!step.ok) return step;
    const fresh = step.value.keys.filter((key) => !page.keys.has(key));
    // Too many: the same stretch again in smaller steps, for a cursor cannot point into the middle of one.
    if (fresh.length > room && count > 1) count = Math.max(1, Math.floor(count / 4));
    else take(page, step.value.scan, fresh, room);
  }
  return ok(page);
}

/** A cursor is the caller's text: it must not reach any key that a scan would not have found for the query. */
function beginPage(keyPrefix: string, query: ListQuery, from: ScanPosition): KeyPage {
  const page: KeyPage = { keys: new Set(), next: from };
  if (from === BEGINNING) return page;
  const left = [...new Set(from.left)].filter((key) => isAskedFor(keyPrefix, query, key));
  take(page, from.scan, left, query.limit);
  return page;
}

/** Puts as many of `found` on the page as it has room for, and notes where the next begins. */
function take(page: KeyPage, scan: string, found: readonly string[], room: number): void {
  for (const key of found.slice(0, room)) page.keys.add(key);
  const left = found.slice(room);
  page.next = scan === "0" && left.length === 0 ? undefined : { scan, left };
}

interface Step {
  /** Where to go on. */
  readonly scan: string;
  /** Those the query asks for, each once. */
  readonly keys: readonly string[];
}

async function scanStep(
  ask: Ask,
  keyPrefix: string,
  query: ListQuery,
  scan: string,
  count: number,
): Promise<Result<Step, StoreFault>> {
  const reply = await ask("SCAN", scan, "MATCH", scanPattern(keyPrefix, query), "COUNT", count);
  if (!reply.ok) return reply;
  const step = scanStepOf(reply.value);
  if (!step.ok) return step;
  const { next, keys } = step.value;
  return ok({ scan: next, keys: [...new Set(keys)].filter((key) => isAskedFor(keyPrefix, query, key)) });
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
  const { id } = markerFacts(value);
  if (id !== undefined) {
    const reply = await ask("GET", indexKey(keyPrefix, id));
    if (!reply.ok) return reply;
    const entry = readIndex(keyPrefix, reply.value);
    if (entry?.key === key) return ok(revocationOf(id, entry.target, value, expiresAtMs));
  }
  return ok(revocationOf(foreignId(keyPrefix, key), named, value, expiresAtMs));
}

function writeCursor(position: ScanPosition): string {
  return Buffer.from(JSON.stringify([position.scan, ...position.left]), "utf8").toString("base64url");
}

/** Undefined for whatever cannot be a cursor of ours. */
function readCursor(keyPrefix: string, cursor: string): ScanPosition | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (!isTexts(parts)) return undefined;
    const [scan, ...left] = parts;
    if (scan === undefined || !isScanCursor(scan)) return undefined;
    return left.every((key) => targetOfKey(keyPrefix, key) !== undefined) ? { scan, left } : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
