// Tiers, routes and scopes among each other, and path patterns that could never match.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pathPatternProblem } from "../../../src/config/checks/path-pattern.ts";
import { compilePattern } from "../../../src/policy/pattern.ts";
import { configWith, problemsWith } from "./support.ts";

describe("tiers", () => {
  it.each([
    ["tiers: {}", ["tiers  is an empty block"]],
    ["tiers:", ["tiers  is empty"]],
    ["tiers: { a: {} }", ["tiers.a.maxStaleness  is missing"]],
    [
      "tiers: { a: { maxStaleness: 0s, failOpen: 1s } }",
      ['tiers.a.failOpen  is no known key, did you mean "failOpenFor"?'],
    ],
    ["tiers: { a: { maxStaleness: 2h } }", ['tiers.a.maxStaleness  is "2h"']],
    ["tiers: { a b: { maxStaleness: 0s } }", ['["a b"]  is no possible name'].map((text) => `tiers${text}`)],
    [
      "tiers: { a: { maxStaleness: 2s }, b: { maxStaleness: 1s } }",
      ['tiers.b.maxStaleness  makes "b" stricter than "a" above it (1s < 2s)'],
    ],
    [
      "tiers: { a: { maxStaleness: 0s, failOpenFor: 1m }, b: { maxStaleness: 1s } }",
      ['tiers.b.failOpenFor  makes "b" stricter than "a" above it (0s < 1m)'],
    ],
  ])("%s", (more, problems) => {
    expect(problemsWith(more)).toEqual(problems);
  });
});

describe("routes and scopes", () => {
  it.each([
    ["{ tier: low }", "routes[0].path  is missing"],
    ["{ path: /, tier: lwo }", 'routes[0].tier  is "lwo": no such tier'],
    [
      "{ path: /, anonymous: true, tier: low }",
      "routes[0].tier  stands beside anonymous: true, where no token is looked at",
    ],
    [
      "{ path: /, anonymous: true, scopes: [a] }",
      "routes[0].scopes  stands beside anonymous: true, where no token is looked at",
    ],
    ["{ path: /, methods: [get] }", 'routes[0].methods[0]  is "get"'],
    ["{ path: /, methods: [] }", "routes[0].methods  is an empty list"],
    ["{ path: /, methods: GET }", 'routes[0].methods  is "GET"'],
    ['{ path: /, scopes: ["a b"] }', 'routes[0].scopes[0]  is "a b"'],
    ["{ path: /, scopes: admin }", 'routes[0].scopes  is "admin"'],
    ["{ path: /, host: 'a.example:443' }", 'routes[0].host  is "a.example:443"'],
    ["{ path: /, host: '*.example' }", 'routes[0].host  is "*.example"'],
    ["{ path: /, host: '' }", 'routes[0].host  is ""'],
    ["{ path: /, anonymous: 'true' }", 'routes[0].anonymous  is "true"'],
  ])("%s", (route, problem) => {
    expect(problemsWith(`routes: [${route}]`)).toContain(problem);
  });

  it("a scope's tier must be there", () => {
    expect(problemsWith("scopes: [{ scope: a, tier: x }, { scope: b }]")).toEqual([
      'scopes[0].tier  is "x": no such tier',
      "scopes[1].tier  is missing",
    ]);
  });

  it("names of routes are given once", () => {
    expect(problemsWith("routes: [{ path: /a, name: x }, { path: /b, name: x }]")).toEqual([
      'routes[1].name  is "x": the same as routes[0].name',
    ]);
  });

  it("hosts are compared in lower case and without a trailing dot", () => {
    expect(configWith("routes: [{ path: /, host: Pay.Example.COM. }]").routes[0]?.host).toBe("pay.example.com");
  });
});

describe("path patterns", () => {
  it.each(["/", "/**", "/*", "/a", "/a/", "/a/*/b/**", "/a%20b", "/caf%C3%A9", "/~a-b._", "/a:b@c!$&'()+,=", "/%2A"])(
    "%s is one",
    (pattern) => {
      expect(pathPatternProblem(pattern)).toBeUndefined();
    },
  );

  it.each([
    ["", "it does not begin with /"],
    ["a/b", "it does not begin with /"],
    ["**", "it does not begin with /"],
    ["/a//b", "it has an empty segment"],
    ["/**/a", "** stands for the rest of the path, so it can only be last"],
    ["/a*", "* stands for a whole segment, never for a part of one"],
    ["/a/***", "* stands for a whole segment, never for a part of one"],
    ["/a/../b", "dot segments are resolved before matching"],
    ["/.", "dot segments are resolved before matching"],
    ["/a?b", "the query is cut before matching"],
    ["/a;b", "a path with ; is ambiguous"],
    ["/a\\b", "a path with \\ is ambiguous"],
    ["/a b", '" " stands encoded in a path: write %20'],
    ["/café", '"é" stands encoded in a path: write %C3%A9'],
    ["/a%2Fb", "a path with %2F is ambiguous"],
    ["/a%00", "a path with %00 is ambiguous"],
    ["/a%2fb", "write %2F for %2f"],
    ["/%41", "write A for %41"],
    ["/a%", "% is not followed by two hex digits"],
    ["/a%2", "% is not followed by two hex digits"],
    ["/a%2541", "a path that is encoded twice is ambiguous"],
    ["/%C0%80", "%C0 is in no UTF-8 text"],
  ])("%j is none: %s", (pattern, problem) => {
    expect(pathPatternProblem(pattern)).toBe(problem);
  });

  it("that pass are compiled by the policy, as they stand", () => {
    const piece = fc.constantFrom(
      "/",
      "a",
      "*",
      "**",
      ".",
      "..",
      "%",
      "%2F",
      "%41",
      "%C3%A9",
      "%25",
      "%20",
      ";",
      "?",
      "#",
      "\\",
      " ",
      "é",
      "\u{1F600}",
      "~",
      "%7F",
      "%F5",
      "%ff",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const pattern = `/${pieces.join("")}`;
        if (pathPatternProblem(pattern) !== undefined) return;
        const compiled = compilePattern(pattern);
        const written = pattern.endsWith("/**") ? pattern.slice(0, -3) : pattern;
        const back = compiled.ok
          ? compiled.value.segments.map((segment) => `/${segment ?? "*"}`).join("")
          : compiled.error;
        expect(back).toBe(written);
      }),
      { numRuns: 3_000 },
    );
  });
});
