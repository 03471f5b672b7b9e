// One small open-addressing table in typed arrays, off the heap: a fingerprint, what its marker means, and its end. It
// knows no clock and never grows by itself.

import { FINGERPRINT_WORDS } from "./fingerprint.ts";
import { EXPIRY_AT, ID_AT, WATERMARK_AT } from "./record.ts";

/** Bytes of one place: fingerprint 16, revocation id 16, expiry 4, watermark 4, generation 1. */
export const PLACE_BYTES = 41;

/** Whose places are ordered by linear probing and closed by moving back, so that no tombstones gather. */
export class Shard {
  readonly capacity: number;
  readonly fingerprints: Int32Array;
  readonly ids: Int32Array;
  /** Seconds of the store's clock; 0: never. */
  readonly expiries: Uint32Array;
  readonly watermarks: Uint32Array;
  readonly generations: Uint8Array;
  count = 0;

  /** In `bytes` from `offset` on, which are all 0, or in memory of its own. */
  constructor(capacity: number, bytes: ArrayBufferLike = new ArrayBuffer(capacity * PLACE_BYTES), offset = 0) {
    this.capacity = capacity;
    this.fingerprints = new Int32Array(bytes, offset, capacity * 4);
    this.ids = new Int32Array(bytes, offset + capacity * 16, capacity * 4);
    this.expiries = new Uint32Array(bytes, offset + capacity * 32, capacity);
    this.watermarks = new Uint32Array(bytes, offset + capacity * 36, capacity);
    this.generations = new Uint8Array(bytes, offset + capacity * 40, capacity);
  }

  get bytes(): number {
    return this.capacity * PLACE_BYTES;
  }

  /** The place of a fingerprint, or the empty one where it belongs; there must be an empty one. */
  place(words: Int32Array, offset: number): number {
    const { fingerprints, capacity } = this;
    const first = words[offset] as number;
    for (let place = (first >>> 0) % capacity; ; place = place + 1 === capacity ? 0 : place + 1) {
      const at = place * FINGERPRINT_WORDS;
      const found = fingerprints[at];
      if (found === 0) return place;
      if (
        found === first &&
        fingerprints[at + 1] === words[offset + 1] &&
        fingerprints[at + 2] === words[offset + 2] &&
        fingerprints[at + 3] === words[offset + 3]
      )
        return place;
    }
  }

  isTaken(place: number): boolean {
    return this.fingerprints[place * FINGERPRINT_WORDS] !== 0;
  }

  /** Around every change: who else reads this memory must take no part of one for the whole. */
  begin(): void {}
  end(): void {}

  /** Takes the empty `place` for the record that begins at `at`. */
  take(place: number, records: Int32Array, at: number): void {
    for (let word = 0; word < FINGERPRINT_WORDS; word += 1) {
      this.set(this.fingerprints, place * 4 + word, records[at + word] as number);
    }
    this.count += 1;
  }

  /** What the record says, but for its key; whether anything else stood there. */
  write(place: number, records: Int32Array, at: number): boolean {
    const { ids, expiries, watermarks } = this;
    let isNews = false;
    for (let word = 0; word < 4; word += 1) {
      const id = records[at + ID_AT + word] as number;
      isNews ||= ids[place * 4 + word] !== id;
      this.set(ids, place * 4 + word, id);
    }
    const expiry = (records[at + EXPIRY_AT] as number) >>> 0;
    const watermark = (records[at + WATERMARK_AT] as number) >>> 0;
    isNews ||= expiries[place] !== expiry || watermarks[place] !== watermark;
    this.set(expiries, place, expiry);
    this.set(watermarks, place, watermark);
    return isNews;
  }

  /** Empties a place, and moves back what had to be put behind it. */
  remove(place: number): void {
    const { capacity, fingerprints } = this;
    this.count -= 1;
    let hole = place;
    for (let next = this.#after(hole); this.isTaken(next); next = this.#after(next)) {
      const home = ((fingerprints[next * FINGERPRINT_WORDS] as number) >>> 0) % capacity;
      // It may move unless its home lies behind the hole.
      if ((next - home + capacity) % capacity >= (next - hole + capacity) % capacity) {
        this.#move(this, next, hole);
        hole = next;
      }
    }
    for (let word = 0; word < FINGERPRINT_WORDS; word += 1) this.set(fingerprints, hole * 4 + word, 0);
  }

  /** Puts all that is here into `other`, which is empty and of another size. */
  copyInto(other: Shard): void {
    for (let place = 0; place < this.capacity; place += 1) {
      if (this.isTaken(place)) {
        other.#move(this, place, other.place(this.fingerprints, place * FINGERPRINT_WORDS));
        other.count += 1;
      }
    }
  }

  /** Every word that a reader looks at is written by this. */
  protected set(words: Int32Array | Uint32Array, at: number, value: number): void {
    words[at] = value;
  }

  #after(place: number): number {
    return place + 1 === this.capacity ? 0 : place + 1;
  }

  #move(from: Shard, place: number, to: number): void {
    for (let word = 0; word < FINGERPRINT_WORDS; word += 1) {
      this.set(this.fingerprints, to * 4 + word, from.fingerprints[place * 4 + word] as number);
      this.set(this.ids, to * 4 + word, from.ids[place * 4 + word] as number);
    }
    this.set(this.expiries, to, from.expiries[place] as number);
    this.set(this.watermarks, to, from.watermarks[place] as number);
    this.generations[to] = from.generations[place] as number;
  }
}
