// Whether a replica has a marker, too. It asks the primary, never the replica, and takes silence for no.

import { markerKey } from "../keys.ts";
import { markerValue } from "../marker.ts";
import type { StoredRevocation } from "../store.ts";
import type { Reply } from "./connection.ts";
import { CONFIRM_MARKER } from "./scripts.ts";

type Arguments = readonly (string | number)[];

/**
 * Writes two commands in one turn, one after the other on one connection, to whoever holds `key`; settles within
 * `timeoutMs`.
 */
export type AskTogether = (
  key: string,
  first: readonly [command: string, ...args: Arguments],
  second: readonly [command: string, ...args: Arguments],
  timeoutMs: number,
) => Promise<readonly [Reply, Reply]>;

/** A replica that keeps up has it within a few milliseconds; a person waits for the answer. */
const WAIT_MS = 500;

/** Beyond the wait itself, for its answer to come. */
const ANSWER_MS = 1_000;

/**
 * WAIT counts what its own connection wrote, so the marker is written once more, as it stands, just before: by whichever
 * connection, and only if it still is this one.
 */
export async function isReplicated(
  together: AskTogether,
  keyPrefix: string,
  stored: StoredRevocation,
): Promise<boolean> {
  const key = markerKey(keyPrefix, stored.target);
  const [confirmed, acknowledged] = await together(
    key,
    ["EVAL", CONFIRM_MARKER, 1, key, markerValue(stored)],
    ["WAIT", 1, WAIT_MS],
    WAIT_MS + ANSWER_MS,
  );
  if (!confirmed.ok || confirmed.value !== 1 || !acknowledged.ok) return false;
  return typeof acknowledged.value === "number" && acknowledged.value >= 1;
}
