// The keys of one issuer as of one reading of its JWKS document (RFC 7517 §5). Drops bad keys, keeps good neighbours.

import { err, ok, type Result } from "../core/result.ts";
import type { Algorithm } from "../core/algorithm.ts";
import { parseJsonObject } from "./json.ts";
import { readJwk, type KeyDropReason } from "./jwk.ts";
import type { VerifyKey } from "./verify-key.ts";

export interface KeySet {
  readonly keys: ReadonlySet<VerifyKey>;
  readonly byKid: ReadonlyMap<string, VerifyKey>;
}

export const NO_KEYS: KeySet = { keys: new Set(), byKid: new Map() };

/** Contract §4. Beyond it the whole document is refused: nobody signs with a thousand keys. */
const MAX_KEY_COUNT = 100;

/**
 * Reads a JWKS document. Of usable keys that share a `kid` none is kept: which one a token means cannot be told. Keys
 * equal to one of `previous` keep that object, so that tokens verified by it stay verified. The error says why the
 * whole document is refused.
 */
export function readKeySet(
  text: string,
  algorithms: readonly Algorithm[],
  previous: KeySet,
  onDropped: (why: KeyDropReason) => void,
): Result<KeySet, string> {
  const document = parseJsonObject(text);
  if (!document.ok) return err("the document is not one strict JSON object");
  const entries = document.value["keys"];
  if (!Array.isArray(entries)) return err("the document has no array `keys`");
  if (entries.length > MAX_KEY_COUNT) return err(`the document has more than ${MAX_KEY_COUNT} keys`);

  const usable: VerifyKey[] = [];
  for (const entry of entries) {
    const key = readJwk(entry, algorithms);
    if (key.ok) usable.push(key.value);
    else onDropped(key.error);
  }
  const distinct = dropDuplicates(usable, onDropped).map((key) => asBefore(key, previous));
  if (distinct.length === 0) return err("the document has no usable key");
  return ok(keySetOf(distinct));
}

/** The only key for `algorithm`, for tokens without a `kid`; undefined where there are none or several. */
export function soleKeyFor(algorithm: string, set: KeySet): VerifyKey | undefined {
  let sole: VerifyKey | undefined;
  for (const key of set.keys) {
    if (key.algorithm !== algorithm) continue;
    if (sole !== undefined) return undefined;
    sole = key;
  }
  return sole;
}

function keySetOf(keys: readonly VerifyKey[]): KeySet {
  const byKid = new Map<string, VerifyKey>();
  for (const key of keys) {
    if (key.kid !== undefined) byKid.set(key.kid, key);
  }
  return { keys: new Set(keys), byKid };
}

function dropDuplicates(keys: readonly VerifyKey[], onDropped: (why: KeyDropReason) => void): readonly VerifyKey[] {
  const countByKid = new Map<string, number>();
  for (const { kid } of keys) {
    if (kid !== undefined) countByKid.set(kid, (countByKid.get(kid) ?? 0) + 1);
  }
  return keys.filter((key) => {
    const sole = key.kid === undefined || countByKid.get(key.kid) === 1;
    if (!sole) onDropped("duplicate_kid");
    return sole;
  });
}

function asBefore(key: VerifyKey, previous: KeySet): VerifyKey {
  for (const old of previous.keys) {
    if (old.kid === key.kid && old.algorithm === key.algorithm && old.publicKey.equals(key.publicKey)) return old;
  }
  return key;
}
