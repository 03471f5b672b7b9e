// The issuers whose tokens have a status that counts, as the configuration names them.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { Issuer } from "../token/issuer.ts";
import { createStatusLists, type StatusLists } from "../token/status/status-lists.ts";
import { systemClock } from "./clock.ts";

/** By their ids; undefined: no status is looked at. */
export function statusListsOf(
  config: Config,
  issuers: readonly Issuer[],
  { log, observer }: { readonly log: Log; readonly observer: Observer },
): ReadonlyMap<string, StatusLists> | undefined {
  const found = new Map<string, StatusLists>();
  for (const { id, statusLists } of config.issuers) {
    const issuer = issuers.find((candidate) => candidate.id === id);
    if (statusLists === undefined || issuer === undefined) continue;
    const { maxStalenessMs, privateAddresses, uris: places } = statusLists;
    const options = { issuer, places, maxStalenessMs, privateAddresses, clock: systemClock, log, observer };
    found.set(id, createStatusLists(options));
  }
  return found.size === 0 ? undefined : found;
}
