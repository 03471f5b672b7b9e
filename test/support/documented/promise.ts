// What a page says that its commands print, held against what they printed.

import type { Promised } from "./pages.ts";

/** Undefined: it is kept. */
export function brokenPromise({ as, text }: Promised, printed: string): string | undefined {
  const isKept = as === "text" ? isTextIn(text.trim(), printed) : areShapesIn(text, printed);
  return isKept ? undefined : `promised:\n${text}\nprinted:\n${printed}`;
}

/** `…` stands for anything. */
function isTextIn(promised: string, printed: string): boolean {
  const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${promised.split("…").map(literal).join("[\\s\\S]*")}$`).test(printed.trim());
}

/** Each JSON text that was printed has the members of one that is shown, whatever their values. */
function areShapesIn(promised: string, printed: string): boolean {
  const shown = new Set(jsonIn(promised).map(shapeOf));
  const shapes = jsonIn(printed).map(shapeOf);
  return shapes.length > 0 && shapes.every((shape) => shown.has(shape));
}

/** The whole of it, or what its lines hold; of a stream of events their data. */
function jsonIn(text: string): readonly unknown[] {
  const whole = parsed(text);
  return whole.length > 0 ? whole : text.split("\n").flatMap((line) => parsed(line.replace(/^data: /, "")));
}

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? [value] : [];
  } catch {
    return [];
  }
}

function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return "[]";
  if (typeof value !== "object" || value === null) return typeof value;
  const members = Object.entries(value).map(([name, member]) => `${name}:${shapeOf(member)}`);
  return `{${members.toSorted().join(",")}}`;
}
