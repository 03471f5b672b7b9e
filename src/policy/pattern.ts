// Compiles a route's `path` pattern once, and matches canonical paths against it. Never sees a raw path.

import { err, ok, type Result } from "../core/result.ts";
import { canonicalPath } from "./path.ts";

export interface PathPattern {
  /** Segments in order; undefined stands for `*`: one segment that is not empty. */
  readonly segments: readonly (string | undefined)[];
  /** Ends in `**`: anything may follow, nothing too. */
  readonly openEnded: boolean;
}

/** Compiles `pattern`, or says in one sentence for people what is wrong with it. */
export function compilePattern(pattern: string): Result<PathPattern, string> {
  if (!pattern.startsWith("/")) return err("a path pattern begins with /");
  if (pattern.includes("?")) return err("a path pattern has no query: rules look at the path only");
  const canonical = canonicalPath(pattern);
  if (!canonical.ok)
    return err(`no request path can match this pattern, for such paths are ambiguous (${canonical.error})`);
  const parts = canonical.value.slice(1).split("/");
  const openEnded = parts.at(-1) === "**";
  if (openEnded) parts.pop();
  if (parts.includes("**")) return err("** stands for the rest of a path: it can only be the last segment");
  if (parts.some((part) => part.includes("*") && part !== "*"))
    return err("* stands for one whole segment, not for a part of it");
  return ok({ segments: parts.map((part) => (part === "*" ? undefined : part)), openEnded });
}

/** Whether a path in canonical form matches. Allocates nothing. */
export function matchesPattern(pattern: PathPattern, canonical: string): boolean {
  // Invariant: `at` is behind a segment, on its slash or on the end of the path.
  let at = 0;
  for (const segment of pattern.segments) {
    if (canonical.charCodeAt(at) !== 0x2f) return false;
    const end = segmentEnd(canonical, at + 1);
    if (segment === undefined ? end === at + 1 : !isSegment(canonical, at + 1, end, segment)) return false;
    at = end;
  }
  return pattern.openEnded || at === canonical.length;
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf("/", from);
  return slash === -1 ? path.length : slash;
}

function isSegment(path: string, from: number, end: number, segment: string): boolean {
  return end - from === segment.length && path.startsWith(segment, from);
}
