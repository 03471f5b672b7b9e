// Which paths a pattern means, and which rule judges a request: the first that matches, else the strictest.
import { describe, expect, test } from "vitest";
import type { Tier } from "../../../src/core/tier.ts";
import { compilePattern, matchesPattern } from "../../../src/policy/pattern.ts";
import { compileRoutes, type RouteRule, type Routes } from "../../../src/policy/route.ts";

const CRITICAL: Tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
const LOW: Tier = { name: "low", rank: 1, maxStalenessMs: 30_000, failOpenForMs: 300_000 };

function rule(facts: Partial<RouteRule> & { path: string }): RouteRule {
  return {
    name: undefined,
    host: undefined,
    methods: undefined,
    tier: undefined,
    scopes: [],
    anonymous: false,
    ...facts,
  };
}

function routes(...rules: readonly RouteRule[]): Routes {
  const compiled = compileRoutes(rules, CRITICAL);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

describe("a path pattern", () => {
  test.each([
    ["/healthz", "/healthz", true],
    ["/healthz", "/healthz/", false],
    ["/healthz", "/healthzz", false],
    ["/healthz", "/health", false],
    ["/healthz", "/", false],
    ["/Healthz", "/healthz", false],
    ["/", "/", true],
    ["/", "/a", false],
    ["/a/", "/a/", true],
    ["/a/", "/a", false],
    ["/**", "/", true],
    ["/**", "/a/b/c", true],
    ["/public/**", "/public", true],
    ["/public/**", "/public/", true],
    ["/public/**", "/public/a/b", true],
    ["/public/**", "/publicity", false],
    ["/public/**", "/", false],
    ["/*", "/a", true],
    ["/*", "/", false],
    ["/*", "/a/", false],
    ["/*", "/a/b", false],
    ["/a/*/c", "/a/b/c", true],
    ["/a/*/c", "/a/b/d", false],
    ["/a/*/c", "/a/c", false],
    ["/a/*/**", "/a/b", true],
    ["/a/*/**", "/a/b/c/d", true],
    ["/a/*/**", "/a", false],
    ["/a/*/**", "/a/", false],
    ["/caf%C3%A9/*", "/caf%C3%A9/x", true],
    ["/caf%c3%a9", "/caf%C3%A9", true],
    ["/%7Euser", "/~user", true],
  ])("%s and the path %s: %s", (pattern, path, matches) => {
    const compiled = compilePattern(pattern);
    expect(compiled.ok && matchesPattern(compiled.value, path)).toBe(matches);
  });

  test.each(["", "a", "*", "/**/a", "/a/**/b", "/a*", "/a/b*/c", "/***", "/a?b=1", "/a%2Fb", "/a;b", "/a/../..", "/é"])(
    "%j is refused, with a reason",
    (pattern) => {
      expect(compilePattern(pattern)).toEqual({ ok: false, error: expect.stringMatching(/\w/) });
    },
  );
});

describe("routes", () => {
  test("the first rule that matches judges, though a later one fits better", () => {
    const judged = routes(rule({ path: "/api/**", tier: LOW }), rule({ path: "/api/admin", scopes: ["admin"] }));
    expect(judged.judge("GET", "h", "/api/admin")).toEqual({ rule: "0", anonymous: false, tier: LOW, scopes: [] });
  });

  test("where nothing matches, the strictest tier and a token are asked for", () => {
    const judged = routes(rule({ path: "/healthz", anonymous: true }));
    expect(judged.judge("GET", "h", "/other")).toEqual({
      rule: undefined,
      anonymous: false,
      tier: CRITICAL,
      scopes: [],
    });
    expect(routes().judge("GET", "h", "/")).toMatchObject({ anonymous: false, tier: CRITICAL });
  });

  test("a rule without a tier is in the strictest", () => {
    expect(routes(rule({ path: "/**" })).judge("GET", "h", "/a").tier).toBe(CRITICAL);
  });

  test("a rule is called by its name, else by its index", () => {
    const judged = routes(rule({ path: "/a" }), rule({ path: "/b", name: "bees" }));
    expect(judged.judge("GET", "h", "/a").rule).toBe("0");
    expect(judged.judge("GET", "h", "/b").rule).toBe("bees");
  });

  test("methods are compared case by case, and HEAD is not GET", () => {
    const judged = routes(rule({ path: "/**", methods: ["GET"], tier: LOW }));
    expect(judged.judge("GET", "h", "/a").rule).toBe("0");
    for (const method of ["get", "Get", "HEAD", "POST", "", "GET "]) {
      expect(judged.judge(method, "h", "/a").rule, method).toBeUndefined();
    }
  });

  test("a rule's host is compared without case, port and trailing dot", () => {
    const judged = routes(rule({ path: "/**", host: "Pay.Example.com" }), rule({ path: "/**", tier: LOW }));
    for (const host of ["pay.example.com", "PAY.EXAMPLE.COM:8443", "pay.example.com.", "pay.example.com.:80"]) {
      expect(judged.judge("GET", judged.hostOf(host) ?? "?", "/a").rule, host).toBe("0");
    }
    for (const host of ["example.com", "x.pay.example.com", "pay.example.com.evil", ""]) {
      expect(judged.judge("GET", judged.hostOf(host) ?? "?", "/a").rule, host).toBe("1");
    }
  });

  test("an ambiguous path is judged strictest, never anonymous, with every scope any rule of its host asks for", () => {
    const judged = routes(
      rule({ path: "/**", host: "pay.example.com", scopes: ["pay", "audit"] }),
      rule({ path: "/admin/**", scopes: ["admin", "audit"], tier: LOW }),
      rule({ path: "/x", host: "other.example.com", scopes: ["other"] }),
      rule({ path: "/**", anonymous: true }),
    );
    const strictest = { rule: undefined, anonymous: false, tier: CRITICAL };
    expect(judged.judgeAmbiguous("pay.example.com")).toEqual({ ...strictest, scopes: ["pay", "audit", "admin"] });
    expect(judged.judgeAmbiguous("elsewhere")).toEqual({ ...strictest, scopes: ["admin", "audit"] });
    expect(routes().judgeAmbiguous("h")).toEqual({ ...strictest, scopes: [] });
  });

  test("a host without one meaning matters only where a rule names a host", () => {
    for (const odd of ["x@pay.example.com", "pay.example.com:80:80", "pay.example.com%00"]) {
      expect(routes(rule({ path: "/**", host: "pay.example.com" })).hostOf(odd), odd).toBeUndefined();
      expect(routes(rule({ path: "/**" })).hostOf(odd), odd).toBe("");
    }
  });

  test("a rule that names no host at all is refused", () => {
    const compiled = compileRoutes([rule({ path: "/ok", host: "a@b" }), rule({ path: "/ok", host: "a" })], CRITICAL);
    expect(compiled).toEqual({ ok: false, error: [{ index: 0, problem: "its host is none" }] });
  });

  test.each([
    ["a", "begins with /"],
    ["*", "begins with /"],
    ["/a?b", "no query"],
    ["/**/a", "** stands for the rest"],
    ["/a/**/**", "** stands for the rest"],
    ["/a*", "* stands for one whole segment"],
    ["/a%2Fb", "such paths are ambiguous"],
  ])("what is wrong with the path %s is said: %s", (path, said) => {
    const compiled = compileRoutes([rule({ path })], CRITICAL);
    expect(compiled).toEqual({ ok: false, error: [{ index: 0, problem: expect.stringContaining(said) }] });
  });

  test("everything that is wrong with the rules is told together", () => {
    const compiled = compileRoutes([rule({ path: "a" }), rule({ path: "/ok" }), rule({ path: "/**/b" })], CRITICAL);
    expect(compiled).toEqual({
      ok: false,
      error: [
        { index: 0, problem: expect.any(String) },
        { index: 2, problem: expect.any(String) },
      ],
    });
  });
});
