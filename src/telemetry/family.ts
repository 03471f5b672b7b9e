// One metric's series, kept as plain numbers so that counting on the hot path costs a look-up and an addition.

/** A number that goes up, or up and down. */
export interface Cell {
  value: number;
}

export type MetricType = "counter" | "gauge" | "histogram";

export function createCell(): Cell {
  return { value: 0 };
}

/** One series: the values of the family's labels, in the order of their names. */
export interface Series<T> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: T;
}

/** The label values that were asked for, and their cell. */
interface Asked<T> {
  readonly a: string;
  readonly b: string;
  readonly c: string;
  readonly d: string;
  readonly cell: T;
}

function isOf(asked: Asked<unknown>, a: string, b: string, c: string, d: string): boolean {
  return asked.a === a && asked.b === b && asked.c === c && asked.d === d;
}

type Leaf<T> = Map<string, T>;
type Trie<T> = Map<string, Map<string, Map<string, Leaf<T>>>>;

/** All series of one metric, `T` being what is counted in each. Label values must come from closed sets or the configuration: nothing is ever removed. */
export class Family<T> {
  readonly type: MetricType;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #create: () => T;
  readonly #trie: Trie<T> = new Map();
  readonly #series: Series<T>[] = [];
  /** What was asked for last is, as a rule, asked for next. */
  #last: Asked<T> | undefined;

  /** At most four labels. */
  constructor(type: MetricType, name: string, help: string, labelNames: readonly string[], create: () => T) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#create = create;
  }

  /** The cell of one combination of label values, created when first asked for. No string is built on the way. */
  at(a = "", b = "", c = "", d = ""): T {
    const last = this.#last;
    if (last !== undefined && isOf(last, a, b, c, d)) return last.cell;
    const cell = this.#cellOf(a, b, c, d);
    this.#last = { a, b, c, d, cell };
    return cell;
  }

  series(): readonly Series<T>[] {
    return this.#series;
  }

  #cellOf(a: string, b: string, c: string, d: string): T {
    return this.#trie.get(a)?.get(b)?.get(c)?.get(d) ?? this.#plant([a, b, c, d]);
  }

  #plant(values: readonly [string, string, string, string]): T {
    const [a, b, c, d] = values;
    const cell = this.#create();
    const second = getOrAdd(this.#trie, a);
    const third = getOrAdd(second, b);
    getOrAdd(third, c).set(d, cell);
    const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, values[i] ?? ""]));
    this.#series.push({ labels, cell });
    return cell;
  }
}

function getOrAdd<K, V>(map: Map<string, Map<K, V>>, key: string): Map<K, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}
