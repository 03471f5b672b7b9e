// The port to a store whose parts fail apart: which part holds a key, and each part's own reads. It decides nothing.

import type { Result } from "../core/result.ts";
import type { StoreFault } from "./store.ts";

export interface Shard {
  readonly name: string;
  /** A key that lies there and no marker has: to know whether it answers. Undefined: none can be. */
  readonly probeKey: string | undefined;
}

export interface Shards {
  /** The part that holds `key`, as far as is known now; undefined: nobody does. */
  shardOf(key: string): string | undefined;
  /** The parts there are now. */
  list(): readonly Shard[];
  /** As MarkerReader.read has it, for keys of one part; what has moved on meanwhile is followed. */
  read(keys: readonly string[], timeoutMs: number): Promise<Result<readonly (string | null)[], StoreFault>>;
}
