// Reads a request's body as strict JSON: UTF-8 without BOM, no member twice. Lenient readers keep the last of two
// equal members, so a proxy in between could have judged another target than the one revoked here.

import { err, ok, type Result } from "../core/result.ts";

/** The value of `bytes`, or what is wrong with it and where, for people. */
export function parseJsonBody(bytes: Buffer): Result<unknown, string> {
  if (bytes.length === 0) return err("The body is empty.");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err("The body is not UTF-8.");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return err(error instanceof SyntaxError ? `The body is not JSON: ${error.message}.` : "The body is not JSON.");
  }
  const twice = repeatedMember(text);
  return twice === undefined ? ok(value) : err(`The body has the member ${JSON.stringify(twice)} twice in one object.`);
}

/** A string, an opening or a closing bracket, or a comma: all that matters for telling members apart. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** The first member name that stands twice in one object of `text`, which must be JSON. */
function repeatedMember(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // one for each open object; undefined for an array
  let nameExpected = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const members = open.at(-1);
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token !== "," && nameExpected && members !== undefined) {
      const name = JSON.parse(token) as string; // "a" and "\u0061" are the same name
      if (members.has(name)) return name;
      members.add(name);
    }
    nameExpected = token === "{" || token === ",";
  }
  return undefined;
}
