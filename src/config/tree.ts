// Reads YAML into plain values and remembers where each stands. It knows YAML 1.2 and nothing of the schema.

import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from "yaml";
import { formatPath, type ConfigProblem } from "./problem.ts";
import { placeholderOffsets, substitute } from "./substitute.ts";
import { parseYaml } from "./yaml.ts";

export type Path = readonly PropertyKey[];

/** What YAML comes to: plain objects are its blocks. */
export type TreeValue = string | number | boolean | null | readonly TreeValue[] | { readonly [key: string]: TreeValue };

export interface Tree {
  /** An empty file is an empty block. */
  readonly root: TreeValue;
  /** Repeated and impossible keys, unset variables, aliases to nowhere. */
  readonly problems: readonly ConfigProblem[];
  /** A problem at the value of `path`, or, where that is missing, at the nearest block that is there. */
  at(path: Path, problem: string, allowed: string): ConfigProblem;
  /** A problem at the last key of `path` itself. */
  atKey(path: Path, problem: string, allowed: string): ConfigProblem;
  /** Something at `path` was already found wrong, so what stands there now means nothing. */
  isBroken(path: Path): boolean;
  /** The text at `path` holds an environment variable's value, so it must not be shown. */
  isFromEnvironment(path: Path): boolean;
}

/** No real configuration comes near these; alias bombs and hostile nesting end here. */
const MAX_NODES = 50_000;
const MAX_DEPTH = 32;

/** Neither can ever be meant: both reach into how JavaScript builds objects. */
const IMPOSSIBLE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

type Env = Readonly<Record<string, string | undefined>>;

/** Syntax errors come alone in `error`: what follows one cannot be trusted. */
export function readTree(
  file: string,
  text: string,
  env: Env,
): { readonly ok: true; readonly value: Tree } | { readonly ok: false; readonly error: readonly ConfigProblem[] } {
  const lines = new LineCounter();
  const parsed = parseYaml(file, text, lines);
  if (!parsed.ok) return parsed;
  const reader = new TreeReader(file, text, env, lines, parsed.value);
  return { ok: true, value: reader.read() };
}

class TreeReader implements Tree {
  root: TreeValue = {};
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;
  readonly #text: string;
  readonly #env: Env;
  readonly #lines: LineCounter;
  readonly #document: Document.Parsed | undefined;
  readonly #values = new Map<string, number>();
  readonly #keys = new Map<string, number>();
  readonly #broken = new Set<string>();
  readonly #fromEnvironment = new Set<string>();
  #nodeCount = 0;

  constructor(file: string, text: string, env: Env, lines: LineCounter, document: Document.Parsed | undefined) {
    this.#file = file;
    this.#text = text;
    this.#env = env;
    this.#lines = lines;
    this.#document = document;
  }

  read(): Tree {
    const contents = this.#document?.contents;
    if (contents !== undefined && contents !== null) this.root = this.#value(contents, []);
    if (this.root === null) this.root = {};
    return this;
  }

  at(path: Path, problem: string, allowed: string): ConfigProblem {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#values.get(formatPath(path.slice(0, length)));
      if (offset !== undefined) return this.#problem(offset, path, problem, allowed);
    }
    return this.#problem(0, path, problem, allowed);
  }

  atKey(path: Path, problem: string, allowed: string): ConfigProblem {
    const offset = this.#keys.get(formatPath(path));
    return offset === undefined ? this.at(path, problem, allowed) : this.#problem(offset, path, problem, allowed);
  }

  isBroken(path: Path): boolean {
    return path.some((_, index) => this.#broken.has(formatPath(path.slice(0, index + 1))));
  }

  isFromEnvironment(path: Path): boolean {
    return this.#fromEnvironment.has(formatPath(path));
  }

  #problem(offset: number, path: Path, problem: string, allowed: string): ConfigProblem {
    const { line, col } = this.#lines.linePos(offset);
    // An empty file has no lines yet.
    return {
      file: this.#file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      path: formatPath(path),
      problem,
      allowed,
    };
  }

  /** null stands in the broken value's place. */
  #broke(offset: number, path: Path, problem: string, allowed: string): null {
    const at = formatPath(path);
    this.#broken.add(at);
    this.problems.push(this.#problem(offset, path, problem, allowed));
    return null;
  }

  #value(node: Node, path: Path): TreeValue {
    const offset = startOf(node);
    const at = formatPath(path);
    if (!this.#values.has(at)) this.#values.set(at, offset);
    this.#nodeCount += 1;
    if (path.length > MAX_DEPTH) return this.#broke(offset, path, "is nested too deep", `at most ${MAX_DEPTH} levels`);
    if (this.#nodeCount > MAX_NODES) return this.#tooMany(offset, path);
    if (isAlias(node)) return this.#alias(node, path);
    if (isMap<Node, Node | null>(node)) return this.#block(node.items, path);
    if (isSeq<Node>(node)) return node.items.map((item, index) => this.#value(item, [...path, index]));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  #tooMany(offset: number, path: Path): null {
    if (this.#nodeCount === MAX_NODES + 1) {
      return this.#broke(offset, path, "holds too many values, aliases included", `at most ${MAX_NODES} in a file`);
    }
    this.#broken.add(formatPath(path));
    return null;
  }

  #alias(node: Alias, path: Path): TreeValue {
    const target = this.#document === undefined ? undefined : node.resolve(this.#document);
    if (target !== undefined) return this.#value(target, path);
    return this.#broke(startOf(node), path, `is an alias of "${node.source}", which no anchor names`, "a known anchor");
  }

  #block(pairs: readonly Pair<Node, Node | null>[], path: Path): TreeValue {
    const block: Record<string, TreeValue> = {};
    for (const { key, value } of pairs) {
      const name = this.#key(key, path, block);
      if (name === undefined) continue;
      const at = [...path, name];
      this.#keys.set(formatPath(at), startOf(key));
      if (value === null) this.#values.set(formatPath(at), startOf(key));
      block[name] = value === null ? null : this.#value(value, at);
    }
    return block;
  }

  /** The key as a name that `block` does not have yet; undefined where a problem was reported. */
  #key(key: Node, path: Path, block: Readonly<Record<string, TreeValue>>): string | undefined {
    const text = isScalar(key) ? String(key.value) : "?";
    const at = [...path, text];
    if (!isScalar(key) || typeof key.value !== "string") {
      this.#broke(startOf(key), at, "is a key that is no text", "a name, in quotes if it looks like a number");
    } else if (IMPOSSIBLE_KEYS.has(text)) {
      this.#broke(startOf(key), at, "is no possible key", "another name");
    } else if (Object.hasOwn(block, text)) {
      // Not broken: the first one is still checked.
      this.problems.push(this.#problem(startOf(key), at, "stands here a second time", "each key once"));
    } else return text;
    return undefined;
  }

  #scalar(node: Scalar, path: Path): TreeValue {
    const { value } = node;
    if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
    if (typeof value !== "string") {
      return this.#broke(startOf(node), path, "has a tag that makes it no text, number or truth value", "no tag");
    }
    const { text, changed, failures } = substitute(value, this.#env);
    if (changed) this.#fromEnvironment.add(formatPath(path));
    const [start, end] = node.range ?? [0, 0];
    const offsets = failures.length === 0 ? [] : placeholderOffsets(this.#text.slice(start, end));
    for (const { nth, problem } of failures) {
      this.#broke(start + (offsets[nth] ?? 0), path, problem, "a set variable, or ${NAME:-default}");
    }
    return text;
  }
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
