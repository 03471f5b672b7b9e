// Stores, lifts and finds revocations by id. It never acknowledges what Redis did not.

import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import { revocationOf } from "../marker.ts";
import { markerFacts } from "../marker-facts.ts";
import { strengthened } from "../strengthen.ts";
import type { LiftRefusal, NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import type { Reply } from "./connection.ts";
import { targetOfKey } from "../marker-keys.ts";
import { readMarker, type Marker, type MarkerChanges } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { indexKey, indexValue, readIndex } from "./own-keys.ts";

/** A marker without an id of ours is named by its key: `key:` + the key less its prefix. */
const KEY_ID = "key:";

export function foreignId(keyPrefix: string, key: string): string {
  return KEY_ID + key.slice(keyPrefix.length);
}

/** Stores `revocation`. On a fault it may or may not have happened; doing it again does no harm. */
export async function putRevocation(
  ask: Ask,
  changes: MarkerChanges,
  keyPrefix: string,
  revocation: NewRevocation,
): Promise<Result<StoredRevocation, StoreFault>> {
  const key = markerKey(keyPrefix, revocation.target);
  const asAsked = strengthened(revocation, undefined, undefined, revocation.expiresAtMs);
  // The index first: a crash in between leaves an id that nobody was told, never a marker that nobody can lift.
  const indexed = await writeIndex(ask, keyPrefix, key, asAsked);
  if (!indexed.ok) return indexed;
  const replaced = await changes.replace(ask, keyPrefix, key, revocation);
  if (!replaced.ok) return replaced;
  const result = replaced.value.stored;
  if (result.expiresAtMs !== asAsked.expiresAtMs || result.issuedBeforeS !== asAsked.issuedBeforeS) {
    const corrected = await writeIndex(ask, keyPrefix, key, result);
    if (!corrected.ok) return corrected;
  }
  const kept = await keepIndex(ask, keyPrefix, key, replaced.value.replaced, result);
  return kept.ok ? ok(result) : kept;
}

/** The replaced id is to be known as such while its replacement stands, beyond its own end. */
async function keepIndex(
  ask: Ask,
  keyPrefix: string,
  key: string,
  replaced: string | undefined,
  { id, expiresAtMs }: StoredRevocation,
): Promise<Reply> {
  const replacedId = replaced === undefined ? undefined : markerFacts(replaced).id;
  if (replacedId === undefined || replacedId === id) return ok(undefined);
  const name = indexKey(keyPrefix, replacedId);
  const entry = await ask("GET", name);
  // A value of another program may name any id: only that of this very marker is kept.
  if (!entry.ok || typeof entry.value !== "string" || readIndex(keyPrefix, entry.value)?.key !== key) return entry;
  return ask("SET", name, entry.value, "XX", ...expiry(expiresAtMs));
}

/** Lifts the live revocation with this id; `atMs`, epoch milliseconds, is when. */
export async function liftRevocation(
  ask: Ask,
  changes: MarkerChanges,
  keyPrefix: string,
  id: string,
  atMs: number,
): Promise<Result<StoredRevocation, LiftRefusal>> {
  const found = await find(ask, keyPrefix, id);
  if (!found.ok) return found;
  switch (found.value.state) {
    case "absent":
      return err({ cause: "not_found" });
    case "superseded":
      return err({ cause: "superseded" });
    case "live": {
      const { key, marker, revocation } = found.value;
      const deleted = await changes.delete(ask, keyPrefix, key, marker, { ...revocation, atMs });
      if (!deleted.ok) return deleted;
      if (!deleted.value) return err({ cause: "superseded" }); // somebody wrote another meanwhile
      // What is left of a lost answer is an index entry without a marker, which is `not_found` like none at all.
      const dropped = await ask("DEL", indexKey(keyPrefix, id));
      return dropped.ok ? ok(revocation) : dropped;
    }
  }
}

export async function getRevocation(
  ask: Ask,
  keyPrefix: string,
  id: string,
): Promise<Result<StoredRevocation | undefined, StoreFault>> {
  const found = await find(ask, keyPrefix, id);
  if (!found.ok) return found;
  return ok(found.value.state === "live" ? found.value.revocation : undefined);
}

type Found =
  | { readonly state: "live"; readonly key: string; readonly marker: Marker; readonly revocation: StoredRevocation }
  | { readonly state: "superseded" | "absent" };

async function find(ask: Ask, keyPrefix: string, id: string): Promise<Result<Found, StoreFault>> {
  const isForeign = id.startsWith(KEY_ID);
  const place = isForeign ? foreignPlace(keyPrefix, id) : await indexedPlace(ask, keyPrefix, id);
  if (!place.ok) return place;
  if (place.value === undefined) return ok({ state: "absent" });
  const { key, target } = place.value;
  const marker = await readMarker(ask, key);
  if (!marker.ok) return marker;
  if (typeof marker.value === "string") return ok({ state: "absent" });
  if (isForeign) {
    const owner = await ownerOf(ask, keyPrefix, key, marker.value.value);
    if (!owner.ok) return owner;
    if (owner.value !== undefined) return ok({ state: "superseded" });
  } else if (markerFacts(marker.value.value).id !== id) {
    return ok({ state: "superseded" });
  }
  const revocation = revocationOf(id, target, marker.value.value, marker.value.expiresAtMs);
  return ok({ state: "live", key, marker: marker.value, revocation });
}

interface MarkerPlace {
  readonly key: string;
  readonly target: Target;
}

/** Only a marker's key: an id must never reach any other key of that Redis. */
function foreignPlace(keyPrefix: string, id: string): Result<MarkerPlace | undefined, StoreFault> {
  const key = keyPrefix + id.slice(KEY_ID.length);
  const target = targetOfKey(keyPrefix, key);
  return ok(target === undefined ? undefined : { key, target });
}

async function indexedPlace(
  ask: Ask,
  keyPrefix: string,
  id: string,
): Promise<Result<MarkerPlace | undefined, StoreFault>> {
  const reply = await ask("GET", indexKey(keyPrefix, id));
  return reply.ok ? ok(readIndex(keyPrefix, reply.value)) : reply;
}

/** The id of ours by which the marker under `key` can be lifted; undefined where it has none. */
async function ownerOf(
  ask: Ask,
  keyPrefix: string,
  key: string,
  value: string,
): Promise<Result<string | undefined, StoreFault>> {
  const { id } = markerFacts(value);
  if (id === undefined) return ok(undefined);
  const place = await indexedPlace(ask, keyPrefix, id);
  return place.ok ? ok(place.value?.key === key ? id : undefined) : place;
}

/** Binds the revocation's id to its marker, for as long as that stands. */
export function writeIndex(ask: Ask, keyPrefix: string, key: string, revocation: StoredRevocation): Promise<Reply> {
  return ask("SET", indexKey(keyPrefix, revocation.id), indexValue(revocation, key), ...expiry(revocation.expiresAtMs));
}

function expiry(expiresAtMs: number | undefined): readonly (string | number)[] {
  return expiresAtMs === undefined ? [] : ["PXAT", expiresAtMs];
}
