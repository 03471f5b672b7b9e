// What a run needs of the store it plays in, whatever servers that is made of.

import type { Fault, Notes } from "../fault.ts";

export interface World {
  readonly name: WorldName;
  /** The `store.url` of one of the fleet's processes; some worlds give each a way of its own. */
  urlFor(client: string): string;
  /** A replica can follow it. */
  readonly feedsReplicas: boolean;
  readonly faults: readonly Fault[];
  /** Notes for the length of a run what the servers do by themselves; gives back what ends it. undefined: nothing that bears. */
  readonly watch: ((notes: Notes) => () => Promise<void>) | undefined;
  /** Resolves once every server runs, is in step and refuses nothing. */
  mend(): Promise<void>;
  /** Whether each key is there, asked of whoever is the primary. */
  has(keys: readonly string[]): Promise<readonly boolean[]>;
  /** Revokes as any program may; resolves once it is done for good. undefined: nobody would give it back after a loss. */
  readonly setByHand: ((key: string) => Promise<void>) | undefined;
  stop(): Promise<void>;
}

export type WorldName = "single" | "sentinel" | "cluster";
