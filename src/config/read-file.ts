// Reads the files that a configuration consists of, and says in words what kept it from it. It never parses them.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { err, ok, type Result } from "../core/result.ts";
import type { ConfigProblem } from "./problem.ts";

/** A thousand routes take about 100 KiB. */
const MAX_CONFIG_BYTES = 1_048_576;

/** A URL with its password; a chain or a bundle of certificates. */
const MAX_SECRET_BYTES = 1_048_576;

/** The text of the configuration file, without a byte order mark. */
export function readConfigFile(file: string): Result<string, readonly ConfigProblem[]> {
  const text = readText(file, MAX_CONFIG_BYTES);
  if (text.ok) return text;
  return err([
    { file, line: 1, column: 1, path: "", problem: text.error, allowed: "a YAML 1.2 file of at most 1 MiB" },
  ]);
}

/** What a `…File` key points to, without the line end that editors add. The error never shows the content. */
export function readSecretFile(file: string): Result<string, string> {
  const text = readText(file, MAX_SECRET_BYTES);
  return text.ok ? ok(text.value.replace(/\r?\n$/, "")) : text;
}

function readText(file: string, maxBytes: number): Result<string, string> {
  const bytes = readBytes(file, maxBytes);
  if (!bytes.ok) return bytes;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.value);
    return text.includes("\0") ? err("is no text: it holds NUL bytes") : ok(text);
  } catch {
    return err("is no UTF-8 text");
  }
}

/** At most `maxBytes`, whatever the file's size claims: pipes and /dev have none. */
function readBytes(file: string, maxBytes: number): Result<Uint8Array, string> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    if (fstatSync(descriptor).isDirectory()) return err("is a directory");
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    return length > maxBytes ? err(`is larger than ${maxBytes} bytes`) : ok(buffer.subarray(0, length));
  } catch (error) {
    return err(reasonOf(error as NodeJS.ErrnoException));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "may not be read: permission denied";
  return `cannot be read (${code ?? "unknown error"})`;
}
