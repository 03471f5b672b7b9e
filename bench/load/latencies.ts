// Collects durations and tells their percentiles. It keeps every one: no buckets, no sampling.

export class Latencies {
  #values = new Float64Array(1 << 16);
  #count = 0;

  add(valueMs: number): void {
    if (this.#count === this.#values.length) {
      const wider = new Float64Array(this.#values.length * 2);
      wider.set(this.#values);
      this.#values = wider;
    }
    this.#values[this.#count] = valueMs;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** The nearest rank for each ratio in (0, 1]; NaN when there is none. */
  percentiles(ratios: readonly number[]): number[] {
    const sorted = this.#values.subarray(0, this.#count).toSorted();
    return ratios.map((ratio) => sorted[Math.max(0, Math.ceil(ratio * this.#count) - 1)] ?? Number.NaN);
  }
}
