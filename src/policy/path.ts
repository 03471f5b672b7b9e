// Decides the one form of a path that rules are matched on, and refuses paths that could mean one rule to us and
// another to the upstream. Never guesses, never looks at the query.

import { err, ok, type Result } from "../core/result.ts";

/** Why a path has no one meaning (contract §2 `path`). For `explain` and the log; callers see `ambiguous_path`. */
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
const QUESTION_MARK = 0x3f;

/** Raw bytes no path may have: C0 controls, space (would end the request target), `#`, `;`, `\`, DEL; ≥ 0x80 too. */
const REFUSED_RAW: Uint8Array = new Uint8Array(128);
REFUSED_RAW.fill(1, 0, 0x21);
for (const char of "#;\\\x7f") REFUSED_RAW[char.charCodeAt(0)] = 1;

/** RFC 3986 §2.3. */
const UNRESERVED: Uint8Array = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") UNRESERVED[char.charCodeAt(0)] = 1;

/**
 * The canonical form of a request target's path: query cut, triplets of unreserved characters decoded once, other
 * triplets with upper-case digits, dot segments resolved (RFC 3986 §5.2.4), then `//` merged. `raw` holds one byte
 * per character (latin1). An ordinary path costs one scan and comes back as it is.
 */
export function canonicalPath(raw: string): Result<string, Ambiguity> {
  if (raw.charCodeAt(0) !== SLASH) return err("no_leading_slash");
  let end = 0;
  let ordinary = true;
  let previous = 0;
  for (; end < raw.length; end++) {
    const code = raw.charCodeAt(end);
    if (code === QUESTION_MARK) break;
    if (code > 0x7f || REFUSED_RAW[code] === 1) return err("raw_character");
    if (code === PERCENT || (previous === SLASH && (code === SLASH || code === DOT))) ordinary = false;
    previous = code;
  }
  const path = end === raw.length ? raw : raw.slice(0, end);
  if (ordinary) return ok(path);
  const decoded = path.includes("%") ? decodeUnreserved(path) : ok(path);
  return decoded.ok ? resolveSegments(decoded.value) : decoded;
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
  if (byte < 0x20 || byte === 0x7f || byte === SLASH || byte === 0x5c || byte === 0x3b) return "encoded_character";
  if (byte === PERCENT && isHexPair(path, at + 3)) return "encoded_twice";
  if (byte < 0xc0) return undefined;
  if (byte === 0xc0 || byte === 0xc1 || byte > 0xf4) return "not_utf8";
  // The longer overlong forms: a lenient decoder reads `%E0%80%AF` as a slash (RFC 3629 §10).
  const next = path.charCodeAt(at + 3) === PERCENT ? tripletAt(path, at + 3) : -1;
  if (byte === 0xe0 && next >= 0x80 && next < 0xa0) return "not_utf8";
  if (byte === 0xf0 && next >= 0x80 && next < 0x90) return "not_utf8";
  return undefined;
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
