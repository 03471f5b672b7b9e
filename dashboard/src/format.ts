// Numbers and times as people read them.

import type { Target } from "./types.ts";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export function count(value: number): string {
  return WHOLE.format(value);
}

/** Of something a second. */
export function rate(value: number): string {
  return value >= 10 ? WHOLE.format(value) : String(Number(value.toFixed(value < 1 ? 2 : 1)));
}

export function milliseconds(ms: number | null): string {
  if (ms === null) return "> 1 s";
  if (ms > 0 && ms < 1) return `${Math.round(ms * 1_000)} µs`;
  if (ms > 0 && ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

export function moment(ms: number): string {
  return TIME.format(ms);
}

export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return `${s} s`;
  return s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`;
}

export function several(n: number, one: string): string {
  return `${count(n)} ${one}${n === 1 ? "" : "s"}`;
}

export function nameOf({ kind, id, issuer }: Target): string {
  if (kind === "everything") return "everything";
  return id === undefined ? `${kind} ${issuer ?? ""}` : `${kind} ${id}`;
}
