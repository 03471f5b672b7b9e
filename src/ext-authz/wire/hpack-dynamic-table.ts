// The dynamic table of one direction of one connection (RFC 7541 §2.3.2, §4): the newest entry is the first one, the
// oldest leave when room is needed. It decides nothing about what may enter, and never holds more than its limit.

/** RFC 7541 §4.1, and RFC 9113 §10.5.1 for header lists: what each field costs beside its bytes. */
export const FIELD_OVERHEAD_BYTES = 32;
/** RFC 9113 §6.5.2: what a table may hold until the encoder says otherwise. */
export const INITIAL_TABLE_BYTES = 4096;

export class DynamicTable {
  /** A ring with room for the most entries that `maxBytes` can hold; empty places hold empty strings. */
  readonly #names: string[];
  readonly #values: string[];
  /** Where the newest entry is. */
  #newestAt = 0;
  #count = 0;
  #bytes = 0;
  #limitBytes = INITIAL_TABLE_BYTES;
  #changes = 0;

  /** `maxBytes`: the highest limit that `resize` will be given. */
  constructor(maxBytes: number) {
    const capacity = Math.max(1, Math.floor(Math.max(maxBytes, INITIAL_TABLE_BYTES) / FIELD_OVERHEAD_BYTES));
    this.#names = Array.from({ length: capacity }, () => "");
    this.#values = Array.from({ length: capacity }, () => "");
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** How many entries there are; the newest is entry 1. */
  get count(): number {
    return this.#count;
  }

  /** How often anything entered, left or was resized. Indices mean the same as long as this is the same. */
  get changes(): number {
    return this.#changes;
  }

  /** `entry` from 1 to `count`. */
  nameOf(entry: number): string {
    return this.#names[this.#placeOf(entry)] as string;
  }

  /** `entry` from 1 to `count`. */
  valueOf(entry: number): string {
    return this.#values[this.#placeOf(entry)] as string;
  }

  /** One that is larger than the whole table empties it and is not kept (§4.4); `name` and `value` are not read then. */
  add(name: string, value: string, nameAndValueBytes: number): void {
    const bytes = nameAndValueBytes + FIELD_OVERHEAD_BYTES;
    this.#changes += 1;
    this.#evictTo(this.#limitBytes - bytes);
    if (bytes > this.#limitBytes) return;
    this.#newestAt = (this.#newestAt + 1) % this.#names.length;
    this.#names[this.#newestAt] = name;
    this.#values[this.#newestAt] = value;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** A new limit, not above `maxBytes` (§4.3). */
  resize(limitBytes: number): void {
    this.#changes += 1;
    this.#limitBytes = limitBytes;
    this.#evictTo(limitBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const place = this.#placeOf(this.#count);
      const name = this.#names[place] as string;
      const value = this.#values[place] as string;
      this.#bytes -= name.length + value.length + FIELD_OVERHEAD_BYTES;
      this.#names[place] = "";
      this.#values[place] = "";
      this.#count -= 1;
    }
  }

  #placeOf(entry: number): number {
    const place = this.#newestAt - entry + 1;
    return place < 0 ? place + this.#names.length : place;
  }
}
