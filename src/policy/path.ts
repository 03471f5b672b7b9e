// Decides the one form of a path that rules are matched on, and refuses paths that could mean one rule to us and
// another to the upstream. Never guesses, never looks at the query.

import { err, ok, type Result } from "../core/result.ts";

/** Why a path has no one meaning (ADR 5). For `explain` and the log; callers see `ambiguous_path`. */
export type Ambiguity =
  | "no_leading_slash"
  | "raw_character"
  | "damaged_escape"
  | "encoded_character"
  | "encoded_twice"
  | "not_utf8"
  | "above_root"
  | "dots_after_empty_segment";

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/** Raw bytes no path may have: C0 controls, space (would end the request target), `#`, `;`, `\`, DEL; ≥ 0x80 too. */
const REFUSED_RAW: Uint8Array = new Uint8Array(256);
REFUSED_RAW.fill(1, 0, 0x21).fill(1, 0x80);
for (const char of "#;\\\x7f") REFUSED_RAW[char.charCodeAt(0)] = 1;

/** Encoded bytes no path may have: what some decoder makes a separator of, and bytes that UTF-8 never has. */
const REFUSED_ENCODED: (Ambiguity | undefined)[] = Array.from({ length: 256 }, () => undefined);
REFUSED_ENCODED.fill("encoded_character", 0, 0x20).fill("not_utf8", 0xf5);
for (const char of "/\\;\x7f") REFUSED_ENCODED[char.charCodeAt(0)] = "encoded_character";
for (const byte of [0xc0, 0xc1]) REFUSED_ENCODED[byte] = "not_utf8";

/** First continuation byte from which a lead byte's sequence is not overlong (RFC 3629 §4). */
const SHORTEST_CONTINUATION: ReadonlyMap<number, number> = new Map([
  [0xe0, 0xa0],
  [0xf0, 0x90],
]);

/** RFC 3986 §2.3. */
const UNRESERVED: Uint8Array = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
  UNRESERVED[char.charCodeAt(0)] = 1;

/**
 * The canonical form of a request target's path: query cut, triplets of unreserved characters decoded once, other
 * triplets with upper-case digits, dot segments resolved (RFC 3986 §5.2.4), then `//` merged. `raw` holds one byte
 * per character (latin1). An ordinary path costs one scan and comes back as it is.
 */
export function canonicalPath(raw: string): Result<string, Ambiguity> {
  if (raw.charCodeAt(0) !== SLASH) return err("no_leading_slash");
  const query = raw.indexOf("?");
  const path = query === -1 ? raw : raw.slice(0, query);
  switch (look(path)) {
    case "ordinary":
      return ok(path);
    case "refused":
      return err("raw_character");
    case "dotted":
      return resolveSegments(path);
    case "encoded": {
      const decoded = decodeUnreserved(path);
      return decoded.ok ? resolveSegments(decoded.value) : decoded;
    }
  }
}

/** What has to be done to a path: nothing, its segments resolved, its triplets decoded first; or it is refused. */
function look(path: string): "ordinary" | "dotted" | "encoded" | "refused" {
  let found: "ordinary" | "dotted" | "encoded" = "ordinary";
  let previous = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (REFUSED_RAW[code] !== 0) return "refused"; // beyond the table too: no byte
    if (code === PERCENT) found = "encoded";
    else if (previous === SLASH && (code === SLASH || code === DOT) && found === "ordinary") found = "dotted";
    previous = code;
  }
  return found;
}

function decodeUnreserved(path: string): Result<string, Ambiguity> {
  let decoded = "";
  let from = 0;
  for (let at = path.indexOf("%"); at !== -1; at = path.indexOf("%", at + 3)) {
    const byte = tripletAt(path, at);
    if (byte === -1) return err("damaged_escape");
    const ambiguity = ambiguityOf(byte, path, at);
    if (ambiguity !== undefined) return err(ambiguity);
    decoded += path.slice(from, at);
    decoded += UNRESERVED[byte] === 1 ? String.fromCharCode(byte) : path.slice(at, at + 3).toUpperCase();
    from = at + 3;
  }
  decoded += path.slice(from);
  // Judged again after decoding: `%25%32%46` has become `%252F`.
  for (let at = decoded.indexOf("%25"); at !== -1; at = decoded.indexOf("%25", at + 3)) {
    if (isHexPair(decoded, at + 3)) return err("encoded_twice");
  }
  return ok(decoded);
}

function ambiguityOf(byte: number, path: string, at: number): Ambiguity | undefined {
  const refused = REFUSED_ENCODED[byte];
  if (refused !== undefined) return refused;
  if (byte === PERCENT) return isHexPair(path, at + 3) ? "encoded_twice" : undefined;
  const shortest = SHORTEST_CONTINUATION.get(byte);
  if (shortest === undefined || path.charCodeAt(at + 3) !== PERCENT) return undefined;
  // A lenient decoder reads the overlong `%E0%80%AF` as a slash (RFC 3629 §10).
  const next = tripletAt(path, at + 3);
  return next >= 0x80 && next < shortest ? "not_utf8" : undefined;
}

function resolveSegments(path: string): Result<string, Ambiguity> {
  const kept: string[] = [];
  const segments = path.split("/");
  for (let index = 1; index < segments.length; index++) {
    const segment = segments[index] as string;
    const isLast = index === segments.length - 1;
    if (segment !== "." && segment !== "..") {
      kept.push(segment);
      continue;
    }
    if (segment === "..") {
      const popped = kept.pop();
      if (popped === undefined) return err("above_root");
      // `/admin//../x`: `/admin/x` to who resolves first, `/x` to who merges first.
      if (popped === "") return err("dots_after_empty_segment");
    }
    if (isLast) kept.push("");
  }
  const last = kept.length - 1;
  return ok(`/${kept.filter((segment, index) => segment !== "" || index === last).join("/")}`);
}

/** The byte of the triplet whose `%` is at `at`; -1 where two hex digits do not follow. */
function tripletAt(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high === -1 || low === -1 ? -1 : high * 16 + low;
}

function isHexPair(text: string, at: number): boolean {
  return hexDigit(text.charCodeAt(at)) !== -1 && hexDigit(text.charCodeAt(at + 1)) !== -1;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
