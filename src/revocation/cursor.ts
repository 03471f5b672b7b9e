// Says what may be the cursor of a list that is in the order of its keys: the last key of the page before.

import { targetOfKey } from "./marker-keys.ts";

/** Whether `cursor` may have been given, or there is none: the marker it names may be gone since. */
export function isCursor(keyPrefix: string, cursor: string | undefined): boolean {
  return cursor === undefined || targetOfKey(keyPrefix, cursor) !== undefined;
}
