// What the configuration accepts, no other room refuses: a file that check-config calls good must not throw in serve.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { READINGS } from "../../../src/commands/readings.ts";
import { pathPatternProblem } from "../../../src/config/checks/path-pattern.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { createRedisStore } from "../../../src/revocation/redis/store.ts";
import { compileRoutes } from "../../../src/policy/route.ts";
import { MINIMAL, problemsWith } from "./support.ts";

const STRICTEST = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
const silent = { info() {}, warn() {}, error() {} };
const clock = { now: () => ({ monotonicMs: 0, wallMs: 0 }) };

describe("what another room refuses is a problem of the file", () => {
  it.each([
    ["redis://u:%zz@h", "is no URL of a Redis: user or password is not percent-encoded UTF-8"],
    ["redis://u:%ff@h", "is no URL of a Redis: user or password is not percent-encoded UTF-8"],
    ["unix:/run/%zz.sock", "is no URL of a Redis: the socket's path is missing"],
  ])("the store of %s", (url, problem) => {
    expect(problemsWith(`store: { url: "${url}" }`)).toEqual([`store.url  ${problem}`]);
  });

  it.each(["127.1", "a.0x7f", "1.2.3.4.5", "[::g]", "[1]", "a..b"])("the host %s", (host) => {
    expect(problemsWith(`routes: [{ path: /, host: "${host}" }]`)).toEqual([
      `routes[0].host  is "${host}": it could mean another host to somebody else`,
    ]);
  });

  it("a path pattern, whatever the configuration itself thinks of it", () => {
    const readings = { ...READINGS, pathPattern: () => "no" };
    const loaded = loadConfig("/etc/p.yaml", `${MINIMAL}routes: [{ path: /good }]`, {}, { readings });
    expect(loaded.ok ? [] : loaded.error.map(({ path, problem }) => [path, problem])).toEqual([
      ["routes[0].path", 'is "/good": no'],
    ]);
  });
});

const TEXT = fc.string({ unit: fc.constantFrom(..."/:@.%[]?#*-_0aA1fx~;\\ é".split("")), maxLength: 12 });

/** Whether a file with this value is good. */
function isGood(key: "host" | "path" | "url", value: string): boolean {
  const text = JSON.stringify(value);
  const more = key === "url" ? `store: { url: ${text} }` : `routes: [{ path: /, ${key}: ${text} }]`;
  const source = key === "path" ? `routes: [{ path: ${text} }]` : more;
  return loadConfig("/etc/p.yaml", `${MINIMAL}${source}`, {}, { readings: READINGS }).ok;
}

describe("no text that the file may hold throws later", () => {
  it("as a route's host or path", () => {
    fc.assert(
      fc.property(TEXT, TEXT, (host, path) => {
        const rule = { name: undefined, methods: undefined, tier: undefined, scopes: [], anonymous: false };
        if (isGood("host", host)) expect(compileRoutes([{ ...rule, host, path: "/" }], STRICTEST).ok).toBe(true);
        if (isGood("path", `/${path}`))
          expect(compileRoutes([{ ...rule, host: undefined, path: `/${path}` }], STRICTEST).ok).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("as the store's URL", () => {
    const options = { keyPrefix: "", timeoutMs: 50, requireNoEviction: true, clock, log: silent };
    fc.assert(
      fc.property(fc.constantFrom("redis://", "rediss://", "unix:", "unix://"), TEXT, (scheme, rest) => {
        const url = scheme + rest;
        if (isGood("url", url)) createRedisStore({ ...options, url });
      }),
      { numRuns: 1_000 },
    );
  });

  it("and the file's own words on a path pattern come before the policy's", () => {
    expect(pathPatternProblem("/a b")).toBeDefined();
    expect(problemsWith('routes: [{ path: "/a b" }]')).toEqual([
      'routes[0].path  is "/a b": " " stands encoded in a path: write %20',
    ]);
  });
});
