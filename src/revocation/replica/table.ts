// All live markers by the fingerprint of their key: exact, off the heap, without a long pause. It is cut into many
// small tables that grow, shrink and are swept one at a time (1 M entries: each about 1,000, 0.1 ms). It reads no clock.

import { Shard } from "./shard.ts";

/** Where no marker stands. */
export const ABSENT = -1;

/** What one marker means to a token. */
export interface Meaning {
  /** Tokens issued before it are revoked, epoch seconds: Infinity, all; NaN, only the store can judge. */
  readonly issuedBeforeS: number;
  /** Seconds of the store's clock, rounded up; 0: never. */
  readonly expiresAtS: number;
  /** Kept if it is a UUID, as ours are. */
  readonly revocationId: string | undefined;
}

const SHARD_COUNT = 1_024;
const FIRST_CAPACITY = 8;

/** Above it probing gets long; growing by a fifth keeps 1 M entries below 64 MiB at every moment. */
const MAX_LOAD = 0.75;
const GROWTH = 1.2;

/** Below it a shard shrinks when it is swept. */
const MIN_LOAD = 0.3;

/** A watermark is kept as 32 bits: no iat that a token may have is beyond them (contract §4). */
const ALL = 0xffffffff;
const ASK = 0xfffffffe;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export class MarkerTable {
  readonly #shards: Shard[] = Array.from({ length: SHARD_COUNT }, () => new Shard(FIRST_CAPACITY));
  #size = 0;

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
    return readWatermark(shard.watermarks[place] as number);
  }

  revocationId(words: Int32Array, offset: number): string | undefined {
    const shard = this.#shardOf(words, offset);
    const place = shard.place(words, offset);
    return shard.isTaken(place) ? readId(shard.ids, place * 4) : undefined;
  }

  /** `generation`, 1 to 255, tells what a sweep must spare. */
  set(words: Int32Array, offset: number, meaning: Meaning, generation: number): void {
    let shard = this.#shardOf(words, offset);
    let place = shard.place(words, offset);
    if (!shard.isTaken(place)) {
      if (shard.count + 1 > shard.capacity * MAX_LOAD) {
        shard = shard.resized(Math.ceil(shard.capacity * GROWTH));
        this.#shards[shardIndex(words, offset)] = shard;
        place = shard.place(words, offset);
      }
      shard.fingerprints.set(words.subarray(offset, offset + 4), place * 4);
      shard.count += 1;
      this.#size += 1;
    }
    shard.expiries[place] = Math.min(meaning.expiresAtS, 0xffffffff);
    shard.watermarks[place] = writeWatermark(meaning.issuedBeforeS);
    shard.generations[place] = generation;
    writeId(shard.ids, place * 4, meaning.revocationId);
  }

  delete(words: Int32Array, offset: number): void {
    const shard = this.#shardOf(words, offset);
    const place = shard.place(words, offset);
    if (shard.isTaken(place)) this.#remove(shard, place);
  }

  /**
   * Clears `count` shards, from the `first` on, of what is past its end at `nowS`, and of all that is not of `generation`
   * where one is given. Returns the next to clear: 0, it has come round.
   */
  sweep(first: number, count: number, nowS: number, generation: number | undefined): number {
    const end = Math.min(first + count, SHARD_COUNT);
    for (let index = first; index < end; index += 1) this.#sweepShard(index, nowS, generation);
    return end === SHARD_COUNT ? 0 : end;
  }

  #sweepShard(index: number, nowS: number, generation: number | undefined): void {
    const shard = this.#shards[index] as Shard;
    for (let place = 0; place < shard.capacity;) {
      if (shard.isTaken(place) && isOver(shard, place, nowS, generation)) this.#remove(shard, place);
      else place += 1; // what moved back into an emptied place is looked at in its turn
    }
    const wanted = Math.max(FIRST_CAPACITY, Math.ceil(shard.count / (MAX_LOAD / GROWTH)));
    if (shard.count < shard.capacity * MIN_LOAD && wanted < shard.capacity) this.#shards[index] = shard.resized(wanted);
  }

  #remove(shard: Shard, place: number): void {
    shard.remove(place);
    this.#size -= 1;
  }

  #shardOf(words: Int32Array, offset: number): Shard {
    return this.#shards[shardIndex(words, offset)] as Shard;
  }
}

function isOver(shard: Shard, place: number, nowS: number, generation: number | undefined): boolean {
  const expiry = shard.expiries[place] as number;
  return (expiry !== 0 && expiry <= nowS) || (generation !== undefined && shard.generations[place] !== generation);
}

/** By another word than the place in the shard. */
function shardIndex(words: Int32Array, offset: number): number {
  return (words[offset + 3] as number) & (SHARD_COUNT - 1);
}

function readWatermark(kept: number): number {
  if (kept === ALL) return Infinity;
  return kept === ASK ? NaN : kept;
}

/** What 32 bits cannot hold exactly is left to the store; so is what nobody can read. */
function writeWatermark(issuedBeforeS: number): number {
  if (issuedBeforeS === Infinity) return ALL;
  const fits = Number.isInteger(issuedBeforeS) && issuedBeforeS >= 0 && issuedBeforeS < ASK;
  return fits ? issuedBeforeS : ASK;
}

function writeId(ids: Int32Array, at: number, id: string | undefined): void {
  if (id === undefined || !UUID.test(id)) {
    ids.fill(0, at, at + 4);
    return;
  }
  const hex = id.replaceAll("-", "");
  for (let word = 0; word < 4; word += 1) ids[at + word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16);
}

/** The nil UUID stands for none. */
function readId(ids: Int32Array, at: number): string | undefined {
  let hex = "";
  for (let word = 0; word < 4; word += 1) hex += ((ids[at + word] as number) >>> 0).toString(16).padStart(8, "0");
  if (/^0+$/.test(hex)) return undefined;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
