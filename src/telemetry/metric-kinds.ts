// Makes families of each kind of metric under our prefix. It names none.

import { Distribution } from "./distribution.ts";
import { createCell, Family, type Cell } from "./family.ts";

/** When something was last known, shown as its age. */
export interface AgeCell {
  /** Epoch milliseconds. */
  readAtMs: number;
  readonly value: number;
}

export function createAgeCell(wallNowMs: () => number): AgeCell {
  return {
    readAtMs: 0,
    get value() {
      return Math.max(0, (wallNowMs() - this.readAtMs) / 1000);
    },
  };
}

export function counter(name: string, help: string, labelNames: readonly string[]): Family<Cell> {
  return new Family("counter", `portcullis_${name}`, help, labelNames, createCell);
}

export function gauge<T extends Readonly<Cell>>(
  name: string,
  help: string,
  labelNames: readonly string[],
  create: () => T,
): Family<T> {
  return new Family("gauge", `portcullis_${name}`, help, labelNames, create);
}

export function histogram(
  name: string,
  help: string,
  labelNames: readonly string[],
  bounds: readonly number[],
): Family<Distribution> {
  return new Family("histogram", `portcullis_${name}`, help, labelNames, () => new Distribution(bounds));
}
