// Looks at the file as written, whether or not the schema is content with it, so that checks over several keys find
// their problems together with the schema's. What has the wrong type is absent here: the schema has reported it.

import { describe, valueAt } from "../issues.ts";
import type { ConfigProblem } from "../problem.ts";
import type { Readings } from "../readings.ts";
import type { Path, Tree } from "../tree.ts";

export class Look {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  readonly tree: Tree;
  readonly readings: Readings;
  /** Of the environment: meant where the file names no report token. */
  readonly callToken: string | undefined;

  constructor(tree: Tree, readings: Readings, callToken: string | undefined) {
    this.tree = tree;
    this.readings = readings;
    this.callToken = callToken;
  }

  /** undefined where it is missing, no text, or already found broken. */
  text(...path: Path): string | undefined {
    const value = this.#value(path);
    return typeof value === "string" ? value : undefined;
  }

  number(...path: Path): number | undefined {
    const value = this.#value(path);
    return typeof value === "number" ? value : undefined;
  }

  flag(...path: Path): boolean {
    return this.#value(path) === true;
  }

  list(...path: Path): readonly unknown[] {
    const value = this.#value(path);
    return Array.isArray(value) ? value : [];
  }

  /** The keys of a block in their order; undefined where there is no block. */
  keys(...path: Path): readonly string[] | undefined {
    const value = this.#value(path);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined;
  }

  has(...path: Path): boolean {
    return valueAt(this.tree.root, path) !== undefined;
  }

  /** `what` instead of the value itself. */
  wrong(path: Path, what: string, allowed: string): void {
    if (!this.tree.isBroken(path)) this.problems.push(this.tree.at(path, what, allowed));
  }

  /** Shows the value, unless it came from the environment; not for keys that hold credentials. */
  wrongValue(path: Path, why: string, allowed: string): void {
    const value = describe(valueAt(this.tree.root, path), this.tree.isFromEnvironment(path), false);
    this.wrong(path, why === "" ? value : `${value}: ${why}`, allowed);
  }

  wrongKey(path: Path, what: string, allowed: string): void {
    if (!this.tree.isBroken(path)) this.problems.push(this.tree.atKey(path, what, allowed));
  }

  warn(path: Path, what: string, allowed: string): void {
    this.warnings.push(this.tree.at(path, what, allowed));
  }

  #value(path: Path): unknown {
    return this.tree.isBroken(path) ? undefined : valueAt(this.tree.root, path);
  }
}
