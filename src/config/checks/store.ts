// Checks where revocations are kept.

import { DEADLINE, STORE } from "../defaults.ts";
import { readDuration } from "../units.ts";
import type { Look } from "./look.ts";

const REDIS_URL =
  "redis://host:port/db, unix:/path, redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port; rediss for TLS";

export function checkStore(look: Look): void {
  if (look.has("store", "url") && look.has("store", "urlFile")) {
    look.wrong(["store", "urlFile"], "stands beside store.url", "one of the two");
  }
  const url = look.text("store", "url");
  if (url !== undefined && url !== "") checkStoreUrl(look, ["store", "url"], url);
  const timeoutMs = readDuration(look.text("store", "timeout") ?? STORE.timeout);
  const deadlineMs = readDuration(look.text("deadline") ?? DEADLINE);
  if (timeoutMs !== undefined && deadlineMs !== undefined && timeoutMs > deadlineMs) {
    look.warn(
      ["store", "timeout"],
      "is longer than deadline, which ends a look-up first",
      "a time-out below the deadline",
    );
  }
}

/** `path` names where the URL was written; the URL itself is a secret and never shown. */
export function checkStoreUrl(look: Look, path: readonly PropertyKey[], url: string): void {
  if (/^rediss?\+cluster:/i.test(url) && look.text("feed", "type") === "redis") {
    look.wrong(["feed", "type"], "is redis, but a Cluster feeds no replica in this version", "none, or another store");
  }
  const problem = isRedisUrl(url) ? look.readings.storeUrl(url) : "";
  if (problem !== undefined) look.wrong(path, `is no URL of a Redis${problem && `: ${problem}`}`, REDIS_URL);
}

function isRedisUrl(text: string): boolean {
  if (/\s/.test(text)) return false;
  // Which lists of hosts are good, the room that reads them says.
  if (/^rediss?\+(?:sentinel|cluster):\/\/./i.test(text)) return true;
  if (/^unix:/i.test(text)) return /^unix:(?:\/\/(?:[^/@]*@)?)?\/[^?#]+(?:\?db=\d{1,5})?$/.test(text);
  if (!/^rediss?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { hostname, pathname, search, hash } = new URL(text);
  return hostname !== "" && /^(?:\/\d{0,5})?$/.test(pathname) && search === "" && hash === "";
}
