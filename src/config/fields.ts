// The kinds of values that fields have, each with a word on what is allowed. It knows no key of the file.

import { z } from "zod";
import { readAddress, readHttpUrl } from "./address.ts";
import { DURATION, formatDuration, formatSize, HOUR_MS, readDuration, readSize, SIZE } from "./units.ts";

export interface FieldWords {
  /** What is allowed, for the last column of a problem. */
  readonly allowed: string;
  /** The value may be a credential, by right or by mistake: problems do not show it. */
  readonly hidden?: boolean;
}

export const FIELD_WORDS: z.core.$ZodRegistry<FieldWords> = z.registry<FieldWords>();

export function allowing<S extends z.ZodType>(allowed: string, schema: S): S {
  FIELD_WORDS.add(schema, { allowed });
  return schema;
}

export function hidden<S extends z.ZodType>(schema: S): S {
  FIELD_WORDS.add(schema, { allowed: FIELD_WORDS.get(schema)?.allowed ?? "text", hidden: true });
  return schema;
}

export function duration(minMs: number, maxMs: number): z.ZodString {
  const within = (value: string): boolean => inRange(readDuration(value), minMs, maxMs);
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return allowing(
    `a duration ${range}, such as ${maxMs > HOUR_MS ? "5m or 1h" : "250ms or 2s"}`,
    z.string().regex(DURATION).refine(within),
  );
}

export function size(minBytes: number, maxBytes: number): z.ZodString {
  const within = (value: string): boolean => inRange(readSize(value), minBytes, maxBytes);
  return allowing(
    `a size from ${formatSize(minBytes)} to ${formatSize(maxBytes)}, such as 16KiB`,
    z.string().regex(SIZE).refine(within),
  );
}

export function count(min: number, max: number): z.ZodNumber {
  return allowing(`a whole number from ${min} to ${max}`, z.number().int().min(min).max(max));
}

export function ratio(): z.ZodNumber {
  return allowing("a number from 0 to 1", z.number().min(0).max(1));
}

export function flag(): z.ZodBoolean {
  return allowing("true or false", z.boolean());
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): z.ZodEnum<z.core.util.ToEnum<T[number]>> {
  return allowing(`one of ${values.join(", ")}`, z.enum(values));
}

export function text(maxLength: number, what: string): z.ZodString {
  return allowing(`${what}, of 1 to ${maxLength} characters`, z.string().min(1).max(maxLength));
}

export function matching(pattern: RegExp, what: string): z.ZodString {
  return allowing(what, z.string().regex(pattern));
}

export function tcpAddress(): z.ZodString {
  return allowing(
    "host:port or [ipv6]:port, port 0 for any free one",
    z.string().refine((value) => readAddress(value)?.kind === "tcp"),
  );
}

export function address(): z.ZodString {
  return allowing(
    "host:port, [ipv6]:port or unix:/path, port 0 for any free one",
    z.string().refine((value) => readAddress(value) !== undefined),
  );
}

export function httpUrl(): z.ZodString {
  return allowing(
    "an http or https URL without user, password and fragment",
    z
      .string()
      .max(2_048)
      .refine((value) => readHttpUrl(value) !== undefined),
  );
}

function inRange(amount: number | undefined, min: number, max: number): boolean {
  return amount !== undefined && amount >= min && amount <= max;
}

/** What a field that names a file allows. */
export const FILE_PATH = "a path, relative to this file";
