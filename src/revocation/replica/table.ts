// All live markers by the fingerprint of their key: exact, off the heap, without a long pause. It is cut into many
// small tables that grow, shrink and are swept one at a time (1 M entries: each about 1,000, 0.1 ms). It reads no clock.

import { EXPIRY_AT, ID_AT, idOf, RECORD_WORDS, recordOf, WATERMARK_AT, watermarkOf, type Meaning } from "./record.ts";
import { Shard } from "./shard.ts";

/** Where no marker stands. */
export const ABSENT = -1;

/** How many small tables there are. */
export const SHARD_COUNT = 1_024;
const FIRST_CAPACITY = 8;

/** Above it probing gets long; growing by a fifth keeps 1 M entries below 64 MiB at every moment. */
const MAX_LOAD = 0.75;
const GROWTH = 1.2;

/** Below it a shard shrinks when it is swept. */
const MIN_LOAD = 0.3;

/** Where the small tables of a larger one lie. */
export interface ShardPlace {
  make(capacity: number): Shard;
  /** `shard` holds from now on what the `index`th held so far. */
  replaced(index: number, shard: Shard): void;
}

/** For nobody but this thread. */
const IN_PRIVATE: ShardPlace = { make: (capacity) => new Shard(capacity), replaced() {} };

export class MarkerTable {
  readonly #place: ShardPlace;
  readonly #shards: Shard[];
  #size = 0;

  constructor(place: ShardPlace = IN_PRIVATE) {
    this.#place = place;
    this.#shards = Array.from({ length: SHARD_COUNT }, () => place.make(FIRST_CAPACITY));
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  /**
   * `issuedBeforeS` of the marker whose key's fingerprint stands in `words` at `offset`; ABSENT where there is none, or
   * one past its end at `nowS`, seconds of the store's clock.
   */
  issuedBeforeS(words: Int32Array, offset: number, nowS: number): number {
    const shard = this.#shardOf(words, offset);
    const place = shard.place(words, offset);
    if (!shard.isTaken(place)) return ABSENT;
    const expiry = shard.expiries[place] as number;
    if (expiry !== 0 && expiry <= nowS) return ABSENT;
    return watermarkOf(shard.watermarks[place] as number);
  }

  revocationId(words: Int32Array, offset: number): string | undefined {
    const shard = this.#shardOf(words, offset);
    const place = shard.place(words, offset);
    return shard.isTaken(place) ? idOf(shard.ids, place * 4) : undefined;
  }

  /** As `put`. */
  set(words: Int32Array, offset: number, meaning: Meaning, generation: number): boolean {
    return this.put(recordOf(words, offset, meaning), 0, generation);
  }

  /** `generation`, 1 to 255, tells what a sweep must spare. Whether that is news: nothing like it stood there. */
  put(records: Int32Array, at: number, generation: number): boolean {
    let shard = this.#shardOf(records, at);
    let place = shard.place(records, at);
    const isTaken = shard.isTaken(place);
    if (!isTaken && shard.count + 1 > shard.capacity * MAX_LOAD) {
      shard = this.#resize(shardIndex(records, at), Math.ceil(shard.capacity * GROWTH));
      place = shard.place(records, at);
    }
    shard.begin();
    if (!isTaken) {
      shard.take(place, records, at);
      this.#size += 1;
    }
    shard.generations[place] = generation;
    const isNews = shard.write(place, records, at);
    shard.end();
    return isNews || !isTaken;
  }

  /** Whether there was anything to delete. */
  delete(words: Int32Array, offset: number): boolean {
    const shard = this.#shardOf(words, offset);
    const place = shard.place(words, offset);
    if (!shard.isTaken(place)) return false;
    this.#remove(shard, place);
    return true;
  }

  /** All that one of the small tables holds, in records. */
  recordsOf(index: number): Int32Array {
    const shard = this.#shards[index] as Shard;
    const records = new Int32Array(shard.count * RECORD_WORDS);
    let at = 0;
    for (let place = 0; place < shard.capacity; place += 1) {
      if (!shard.isTaken(place)) continue;
      read(shard, place, records, at);
      at += RECORD_WORDS;
    }
    return records;
  }

  /**
   * Clears `count` shards, from the `first` on, of what is past its end at `nowS`, and of all that is not of `generation`
   * where one is given; `forgotten` hears of the latter. Returns the next to clear: 0, it has come round.
   */
  sweep(
    first: number,
    count: number,
    nowS: number,
    generation: number | undefined,
    forgotten?: (words: Int32Array) => void,
  ): number {
    const end = Math.min(first + count, SHARD_COUNT);
    for (let index = first; index < end; index += 1) this.#sweepShard(index, nowS, generation, forgotten);
    return end === SHARD_COUNT ? 0 : end;
  }

  #sweepShard(
    index: number,
    nowS: number,
    generation: number | undefined,
    forgotten: ((words: Int32Array) => void) | undefined,
  ): void {
    const shard = this.#shards[index] as Shard;
    for (let place = 0; place < shard.capacity;) {
      const isStale = generation !== undefined && shard.generations[place] !== generation;
      if (shard.isTaken(place) && (isStale || isOver(shard, place, nowS))) {
        if (isStale) forgotten?.(shard.fingerprints.slice(place * 4, place * 4 + 4));
        this.#remove(shard, place);
      } else place += 1; // what moved back into an emptied place is looked at in its turn
    }
    const wanted = Math.max(FIRST_CAPACITY, Math.ceil(shard.count / (MAX_LOAD / GROWTH)));
    if (shard.count < shard.capacity * MIN_LOAD && wanted < shard.capacity) this.#resize(index, wanted);
  }

  #remove(shard: Shard, place: number): void {
    shard.begin();
    shard.remove(place);
    shard.end();
    this.#size -= 1;
  }

  #resize(index: number, capacity: number): Shard {
    const shard = this.#shards[index] as Shard;
    const other = this.#place.make(capacity);
    shard.copyInto(other);
    this.#shards[index] = other;
    this.#place.replaced(index, other);
    shard.begin(); // and it never ends: nobody may read here any more
    return other;
  }

  #shardOf(words: Int32Array, offset: number): Shard {
    return this.#shards[shardIndex(words, offset)] as Shard;
  }
}

function isOver(shard: Shard, place: number, nowS: number): boolean {
  const expiry = shard.expiries[place] as number;
  return expiry !== 0 && expiry <= nowS;
}

/** By another word than the place in the shard. */
export function shardIndex(words: Int32Array, offset: number): number {
  return (words[offset + 3] as number) & (SHARD_COUNT - 1);
}

function read(shard: Shard, place: number, records: Int32Array, at: number): void {
  for (let word = 0; word < 4; word += 1) {
    records[at + word] = shard.fingerprints[place * 4 + word] as number;
    records[at + ID_AT + word] = shard.ids[place * 4 + word] as number;
  }
  records[at + EXPIRY_AT] = shard.expiries[place] as number;
  records[at + WATERMARK_AT] = shard.watermarks[place] as number;
}
