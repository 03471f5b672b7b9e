// What a control plane remembers of the feed, verbatim, and what of it a store has lost. It asks nobody.

import type { FeedHead } from "../replica/source.ts";

/** An entry of the log as it stands there. */
export interface KeptEntry extends FeedHead {
  readonly previousLink: string;
  readonly op: "put" | "lift";
  readonly key: string;
  readonly value: string;
  /** Epoch milliseconds as text, or "" for never. */
  readonly till: string;
  readonly name: string;
  readonly wait: string;
}

export interface LostSuffix {
  /** Up to here the store has what is remembered; 0: nothing of it. */
  readonly afterSeq: number;
  readonly entries: readonly KeptEntry[];
}

/** Longer than any failover; about 10 MB at the most. */
const KEPT_FOR_MS = 600_000;
const MAX_KEPT = 20_000;

export class KeptFeed {
  readonly #entries: { readonly entry: KeptEntry; readonly keptAtMs: number }[] = [];

  get first(): KeptEntry | undefined {
    return this.#entries[0]?.entry;
  }

  get last(): KeptEntry | undefined {
    return this.#entries.at(-1)?.entry;
  }

  /** The newest with this seq. */
  at(seq: number): KeptEntry | undefined {
    const found = this.#entries.findLast(({ entry }) => entry.seq <= seq)?.entry;
    return found?.seq === seq ? found : undefined;
  }

  /** `nowMs` on the monotonic clock. */
  keep(entry: KeptEntry, nowMs: number): void {
    this.#entries.push({ entry, keptAtMs: nowMs });
    const tooMany = this.#entries.length - MAX_KEPT;
    const tooOld = this.#entries.findIndex(({ keptAtMs }) => nowMs - keptAtMs < KEPT_FOR_MS);
    const count = Math.max(tooMany, tooOld);
    // By the thousand: what goes off the front moves all the others.
    if (count >= 1_000) this.#entries.splice(0, count);
  }

  /**
   * Those after the newest entry that the store still has; `epoch` is its own now, `links` are those of its log, by seq, in
   * order.
   * None where the log of the same epoch begins after all of them: they were trimmed.
   */
  lostFrom(epoch: string, links: ReadonlyMap<number, string>): LostSuffix {
    const { last } = this;
    const [begin = 0] = links.keys();
    if (last?.epoch === epoch && begin > last.seq) return { afterSeq: last.seq, entries: [] };
    const entries = this.#entries.map(({ entry }) => entry);
    const lastThere = entries.findLastIndex(({ seq, link }) => links.get(seq) === link);
    return { afterSeq: entries[lastThere]?.seq ?? 0, entries: entries.slice(lastThere + 1) };
  }
}

/** Whether the entry comes right after where the store stands. */
export function followsOn(entry: KeptEntry, { epoch, seq, link }: FeedHead): boolean {
  return entry.epoch === epoch && entry.seq === seq + 1 && entry.previousLink === link;
}

/** The last entry of each key: what stood in the end, in the order in which it came to stand. */
export function netOf(entries: readonly KeptEntry[]): readonly KeptEntry[] {
  const lastOf = new Map<string, KeptEntry>();
  for (const entry of entries) {
    lastOf.delete(entry.key);
    lastOf.set(entry.key, entry);
  }
  return [...lastOf.values()];
}
