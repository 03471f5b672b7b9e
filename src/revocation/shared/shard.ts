// A small table in memory that other threads read while it is written. One thread writes; a version that is odd while a
// change is under way tells readers to look again (a seqlock). Every word that a reader looks at is written and read by
// Atomics, so the order of the program is the order in which all threads see it (ECMA-262 §29: no data race, and then
// sequentially consistent).

import { FINGERPRINT_WORDS } from "../replica/fingerprint.ts";
import { PLACE_BYTES, Shard } from "../replica/shard.ts";

/** Before the places: the version. */
const HEAD_BYTES = 4;

/** As its one writer has it. */
export class SharedShard extends Shard {
  readonly #version: Int32Array;

  constructor(capacity: number) {
    const memory = new SharedArrayBuffer(HEAD_BYTES + capacity * PLACE_BYTES);
    super(capacity, memory, HEAD_BYTES);
    this.#version = new Int32Array(memory, 0, 1);
  }

  override begin(): void {
    Atomics.add(this.#version, 0, 1);
  }

  override end(): void {
    Atomics.add(this.#version, 0, 1);
  }

  protected override set(words: Int32Array | Uint32Array, at: number, value: number): void {
    Atomics.store(words, at, value);
  }
}

/** As a reader has it: what it finds may be torn, unless the version was even before and is the same after. */
export class ShardSight {
  readonly version: Int32Array;
  readonly #capacity: number;
  readonly #fingerprints: Int32Array;
  readonly #ids: Int32Array;
  readonly #expiries: Uint32Array;
  readonly #watermarks: Uint32Array;

  constructor(memory: ArrayBufferLike) {
    const capacity = (memory.byteLength - HEAD_BYTES) / PLACE_BYTES;
    this.version = new Int32Array(memory, 0, 1);
    const shard = new Shard(capacity, memory, HEAD_BYTES);
    this.#capacity = capacity;
    this.#fingerprints = shard.fingerprints;
    this.#ids = shard.ids;
    this.#expiries = shard.expiries;
    this.#watermarks = shard.watermarks;
  }

  /** The place of the fingerprint in `words` at `offset`; -1: it has none. Ends whatever is written meanwhile. */
  place(words: Int32Array, offset: number): number {
    const fingerprints = this.#fingerprints;
    const capacity = this.#capacity;
    const first = words[offset] as number;
    let place = (first >>> 0) % capacity;
    for (let looked = 0; looked < capacity; looked += 1) {
      const at = place * FINGERPRINT_WORDS;
      const found = Atomics.load(fingerprints, at);
      if (found === 0) return -1;
      if (
        found === first &&
        Atomics.load(fingerprints, at + 1) === words[offset + 1] &&
        Atomics.load(fingerprints, at + 2) === words[offset + 2] &&
        Atomics.load(fingerprints, at + 3) === words[offset + 3]
      )
        return place;
      place = place + 1 === capacity ? 0 : place + 1;
    }
    return -1;
  }

  /** Seconds of the store's clock; 0: never. */
  expiry(place: number): number {
    return Atomics.load(this.#expiries, place);
  }

  watermark(place: number): number {
    return Atomics.load(this.#watermarks, place);
  }

  /** The id of `place`, copied. */
  id(place: number): Int32Array {
    return Int32Array.from({ length: 4 }, (_, word) => Atomics.load(this.#ids, place * 4 + word));
  }
}
