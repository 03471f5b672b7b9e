// Says whether a request's canonical path could ever match a pattern (`path` of a route). It matches nothing.

/** RFC 3986 §2.3: triplets of these are decoded before matching, so a pattern with one would never match. */
const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/** Bytes that UTF-8 never has (RFC 3629 §3): C0, C1, F5 to FF. */
const NEVER_UTF8 = /^(C[01]|F[5-9A-F])$/;

/** Sequences longer than their character needs (RFC 3629 §3): a lenient reader takes `%E0%80%AF` for a slash. */
const OVERLONG = /%E0%[89]|%F0%8/i;

/** What is wrong with `pattern`; undefined if nothing. */
export function pathPatternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith("/")) return "it does not begin with /";
  const segments = pattern.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const problem = segment === "" && !isLast ? "it has an empty segment" : segmentProblem(segment, isLast);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function segmentProblem(segment: string, isLast: boolean): string | undefined {
  if (segment === "*") return undefined;
  if (segment === "**") return isLast ? undefined : "** stands for the rest of the path, so it can only be last";
  if (segment.includes("*")) return "* stands for a whole segment, never for a part of one";
  if (segment === "." || segment === "..") return "dot segments are resolved before matching";
  return charactersProblem(segment);
}

function charactersProblem(segment: string): string | undefined {
  const odd = /[^\x21-\x7e]|[?#;\\]/u.exec(segment)?.[0];
  return odd === undefined ? escapesProblem(segment) : oddProblem(odd);
}

function oddProblem(character: string): string {
  if (character === "?") return "the query is cut before matching";
  if ("#;\\".includes(character)) return `a path with ${character} is ambiguous`;
  return `${JSON.stringify(character)} stands encoded in a path${encodedHint(character)}`;
}

function escapesProblem(segment: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(segment)) return "% is not followed by two hex digits";
  if (/%25[0-9A-Fa-f]{2}/.test(segment)) return "a path that is encoded twice is ambiguous";
  if (OVERLONG.test(segment)) return "an overlong sequence is in no UTF-8 text";
  for (const [triplet, digits = ""] of segment.matchAll(/%([0-9A-Fa-f]{2})/g)) {
    const problem = tripletProblem(triplet, digits);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function tripletProblem(triplet: string, digits: string): string | undefined {
  if (digits !== digits.toUpperCase()) return `write ${triplet.toUpperCase()} for ${triplet}`;
  const code = Number.parseInt(digits, 16);
  const character = String.fromCharCode(code);
  if (code < 0x20 || code === 0x7f || "/\\;".includes(character)) return `a path with ${triplet} is ambiguous`;
  if (UNRESERVED.test(character)) return `write ${character} for ${triplet}`;
  return NEVER_UTF8.test(digits) ? `${triplet} is in no UTF-8 text` : undefined;
}

function encodedHint(character: string): string {
  try {
    return `: write ${encodeURIComponent(character)}`;
  } catch {
    return ""; // a lone surrogate has no encoding
  }
}
