// Reads a request's body as a form (application/x-www-form-urlencoded). A name that comes twice is refused, for two
// readers would take different ones of it (RFC 6749 §3.2).

import { err, ok, type Result } from "../core/result.ts";

/** The values by their names, or what is wrong with the body, for people. */
export function parseFormBody(bytes: Buffer): Result<ReadonlyMap<string, string>, string> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err("The body is not UTF-8.");
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) return err("The form has a parameter twice.");
    form.set(name, value);
  }
  return ok(form);
}
