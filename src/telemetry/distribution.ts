// A histogram's numbers: cumulative only when read, so that an observation costs a short search and two additions.

/** An observation that a trace shows (OpenMetrics exemplar). */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Epoch seconds. */
  readonly atS: number;
}

export interface Bucket {
  /** Inclusive; Infinity on the last. */
  readonly upperBound: number;
  /** Observations up to the bound, smaller buckets included. */
  readonly cumulativeCount: number;
  readonly exemplar: Exemplar | undefined;
}

export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  readonly #exemplars: (Exemplar | undefined)[] = [];
  #sum = 0;

  /** `bounds` ascending, without the infinite one. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const place = this.#placeOf(value);
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
  }

  /** Keeps `exemplar` as the example of its bucket. It is not counted: observe() is. */
  exemplify(exemplar: Exemplar): void {
    this.#exemplars[this.#placeOf(exemplar.value)] = exemplar;
  }

  get sum(): number {
    return this.#sum;
  }

  buckets(): readonly Bucket[] {
    let cumulativeCount = 0;
    return Array.from(this.#counts, (count, place) => {
      cumulativeCount += count;
      return { upperBound: this.#bounds[place] ?? Infinity, cumulativeCount, exemplar: this.#exemplars[place] };
    });
  }

  #placeOf(value: number): number {
    let place = 0;
    while (place < this.#bounds.length && value > (this.#bounds[place] ?? Infinity)) place += 1;
    return place;
  }
}
