// Keeps one value for all who would make the same, so that what is remembered in great number shares it. Bounded: when it is
// full it begins anew, and those who hold a value go on holding it.

/** Values that cannot be told from another of the same name. */
export class SharedValues<V> {
  readonly #maxCount: number;
  readonly #values = new Map<string, V>();

  /** `maxCount`: at least 1. */
  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  /** The value of that name; `make` is called where there is none. */
  of(name: string, make: (name: string) => V): V {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    if (this.#values.size >= this.#maxCount) this.#values.clear();
    const value = make(name);
    this.#values.set(name, value);
    return value;
  }
}
