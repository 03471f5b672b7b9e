// Durations and sizes: their notation, read and written. What range a field allows is the schema's business.

export const SECOND_MS = 1_000;
export const MINUTE_MS: number = 60 * SECOND_MS;
export const HOUR_MS: number = 60 * MINUTE_MS;

/** `250ms`, `2s`, `5m`, `1h`: a whole number and one unit. */
export const DURATION: RegExp = /^(0|[1-9][0-9]{0,9})(ms|s|m|h)$/;

/** `512B`, `16KiB`, `1MiB`: a whole number and one binary unit. */
export const SIZE: RegExp = /^(0|[1-9][0-9]{0,9})(B|KiB|MiB)$/;

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS };
const BYTES_PER: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576 };

/** Milliseconds; undefined if `text` is no duration. */
export function readDuration(text: string): number | undefined {
  return read(text, DURATION, MS_PER);
}

/** Bytes; undefined if `text` is no size. */
export function readSize(text: string): number | undefined {
  return read(text, SIZE, BYTES_PER);
}

/** Writes milliseconds in the largest unit that divides them. */
export function formatDuration(ms: number): string {
  return format(ms, MS_PER, "0s");
}

/** Writes bytes in the largest unit that divides them. */
export function formatSize(bytes: number): string {
  return format(bytes, BYTES_PER, "0B");
}

function read(text: string, notation: RegExp, per: Readonly<Record<string, number>>): number | undefined {
  const [, count, unit] = notation.exec(text) ?? [];
  const factor = per[unit ?? ""];
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}

function format(amount: number, per: Readonly<Record<string, number>>, zero: string): string {
  let text = zero;
  for (const [unit, factor] of Object.entries(per)) {
    if (amount > 0 && amount % factor === 0) text = `${amount / factor}${unit}`;
  }
  return text;
}
