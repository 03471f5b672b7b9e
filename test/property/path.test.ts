// What holds of every canonical path, whatever path was sent: one form, none of what upstreams read in two ways, never
// a throw.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalPath } from "../../src/policy/path.ts";
import { compilePattern, matchesPattern } from "../../src/policy/pattern.ts";

const RUNS = { numRuns: 5_000 };

/** Pieces that make paths interesting: separators, dots, triplets whole and broken, odd bytes. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("/", "/", "a", "b", ".", "..", "%2e", "%2E", "admin", "x.y", "~", "%7E", "%61"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "%20",
      "%C3%A9",
      "%25",
      "%2F",
      "%252F",
      "%",
      "%2",
      "%zz",
      "%3b",
      "?",
      "#",
      ";",
      "\\",
      "//",
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) },
);
const rawPath = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join("")}`);

describe("the canonical path", () => {
  test("is its own canonical form", () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const once = canonicalPath(raw);
        fc.pre(once.ok);
        expect(canonicalPath(once.value)).toEqual(once);
      }),
      RUNS,
    );
  });

  test("has no dot segment, no empty segment but the last, no query and no lower-case or needless triplet", () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const path = canonicalPath(raw);
        if (!path.ok) return;
        expect(path.value).toMatch(/^(\/[^/]+)*\/?$/);
        expect(path.value.split("/")).not.toContain("..");
        expect(path.value.split("/")).not.toContain(".");
        expect(path.value).not.toMatch(/[^\x21-\x7e]|[?#;\\]/);
        for (const [, digits] of path.value.matchAll(/%(..)/g)) {
          expect(digits).toMatch(/^[0-9A-F]{2}$/);
          expect(String.fromCharCode(Number.parseInt(digits as string, 16))).not.toMatch(
            /^[A-Za-z0-9._~/\\;\p{Cc}-]$/u,
          );
        }
      }),
      RUNS,
    );
  });

  test("of a raw path does not depend on the query", () => {
    fc.assert(
      fc.property(
        rawPath.filter((raw) => !raw.includes("?")),
        fc.string(),
        (raw, query) => {
          expect(canonicalPath(`${raw}?${query}`)).toEqual(canonicalPath(raw));
        },
      ),
      RUNS,
    );
  });

  test("of what needs no encoding is the one the URL standard resolves, `//` merged", () => {
    const segment = fc.constantFrom("a", "b", "admin", ".", "..", "%2e", "%2E%2e", "x.y", "");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
        const raw = `/${segments.join("/")}`;
        const path = canonicalPath(raw);
        if (!path.ok) return;
        expect(path.value).toBe(new URL(`http://h${raw}`).pathname.replace(/\/{2,}/g, "/"));
      }),
      RUNS,
    );
  });

  test("is the same whether an upstream merges slashes before it resolves dots or after", () => {
    const segment = fc.constantFrom("a", "b", ".", "..", "");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
        const raw = `/${segments.join("/")}`;
        const path = canonicalPath(raw);
        if (!path.ok) return;
        expect(new URL(`http://h${raw.replace(/\/{2,}/g, "/")}`).pathname).toBe(path.value);
      }),
      RUNS,
    );
  });

  test("of any string at all is an answer, never a throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (raw) => {
        expect(typeof canonicalPath(raw).ok).toBe("boolean");
      }),
      RUNS,
    );
  });
});

describe("a pattern", () => {
  const segment = fc.constantFrom("a", "b", "ab", "*");
  const segments = fc.array(segment, { minLength: 1, maxLength: 5 });

  test("matches what the same pattern as a regular expression matches", () => {
    const path = fc.array(fc.constantFrom("a", "b", "ab", ""), { maxLength: 6 }).map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(segments, fc.boolean(), path, (parts, openEnded, raw) => {
        const canonical = canonicalPath(raw);
        const pattern = compilePattern(`/${[...parts, ...(openEnded ? ["**"] : [])].join("/")}`);
        if (!canonical.ok || !pattern.ok) throw new Error("both are good by construction");
        const source = parts.map((part) => `/${part === "*" ? "[^/]+" : part}`).join("");
        const oracle = new RegExp(`^${source}${openEnded ? "(/.*)?" : ""}$`);
        expect(matchesPattern(pattern.value, canonical.value)).toBe(oracle.test(canonical.value));
      }),
      RUNS,
    );
  });
});
