// Rules that one setting breaks by itself.

import type { Tell } from "./finding.ts";
import { at } from "./settings.ts";

export interface Switch<Id extends string> {
  readonly rule: Id;
  readonly setting: readonly string[];
  readonly isBad: (value: unknown) => boolean;
}

export const isOnBad = (value: unknown): boolean => value === true;
export const isOffBad = (value: unknown): boolean => value === false;
/** Where what is off by default must be on. */
export const isNotOnBad = (value: unknown): boolean => value !== true;
export const isThereBad = (value: unknown): boolean => value !== undefined;
export const isMissingBad = (value: unknown): boolean => value === undefined;
export const isNoneOf =
  (...good: readonly string[]) =>
  (value: unknown): boolean =>
    !good.some((one) => one === value);

export function judgeSwitches<Id extends string>(
  settings: unknown,
  where: string,
  switches: readonly Switch<Id>[],
  say: Tell<Id>,
): void {
  for (const { rule, setting, isBad } of switches) {
    const value = at(settings, ...setting);
    if (isBad(value)) say(rule, where, `${setting.at(-1) ?? ""}: ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "unset";
  return typeof value === "string" || typeof value === "boolean" || typeof value === "number" ? `${value}` : "set";
}
