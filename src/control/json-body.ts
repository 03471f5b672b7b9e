// Reads a request's body as strict JSON: UTF-8 without BOM, no member twice. Lenient readers keep the last of two
// equal members, so a proxy in between could have judged another target than the one revoked here.

import { err, ok, type Result } from "../core/result.ts";
import { parseJsonObject, type JsonObject } from "../token/json.ts";

/** The object that `bytes` hold, or what is wrong with them, for people. */
export function parseJsonBody(bytes: Buffer): Result<JsonObject, string> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err("The body is not UTF-8.");
  }
  const strict = parseJsonObject(text);
  return strict.ok ? ok(strict.value) : err(whatIsWrong(text));
}

/** The strict reader tells no place; the lenient one does, if it minds at all. */
function whatIsWrong(text: string): string {
  if (text.trim() === "") return "The body is empty.";
  try {
    JSON.parse(text);
  } catch (error) {
    return `The body is not JSON: ${(error as SyntaxError).message}.`;
  }
  return "The body is no JSON object that all would read alike: a member twice, half a surrogate pair, a number out of range, or too deep.";
}
