// The port to whoever knows where the primary is now. It never connects to the primary itself.

import { ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import type { RedisAddress } from "./url.ts";

export interface Locator {
  start(): void;
  /** Where the primary is to be found, or why nobody can tell. Settles within `timeoutMs`. */
  locate(timeoutMs: number): Promise<Result<RedisAddress, StoreFault>>;
  /** Tells `moved` whenever another server is said to be the primary, until the function returned is called. */
  watch(moved: (address: RedisAddress) => void): () => void;
  stop(): Promise<void>;
}

/** The primary is always in one place. */
export function fixedLocator(address: RedisAddress): Locator {
  return {
    start() {},
    locate: () => Promise.resolve(ok(address)),
    watch: () => () => undefined,
    stop: () => Promise.resolve(),
  };
}
