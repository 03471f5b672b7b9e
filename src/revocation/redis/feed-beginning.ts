// Begins a feed before anything is told in it, so that whoever follows it hears the very first revocation at once: a replica
// does not wait for entries of a feed of which it knows no epoch. It never touches one that has begun.

import { ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { newName } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";
import { BEGIN_FEED } from "./scripts.ts";

/** Atomic: of several that find none, one begins it. Where it cannot be done now, the first revocation does it. */
export async function beginFeed(ask: Ask, keyPrefix: string): Promise<Result<void, StoreFault>> {
  const keys = [2, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
  const reply = await ask("EVAL", BEGIN_FEED, ...keys, newName(), newName());
  return reply.ok ? ok(undefined) : reply;
}
