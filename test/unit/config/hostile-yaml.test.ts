// YAML that was written to hurt, or by mistake looks like it: bounded, refused, and never half understood.

import { describe, expect, it } from "vitest";
import { configOf, configWith, MINIMAL, problemsIn, problemsWith } from "./support.ts";

function aliasBomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(", ")}]`,
    );
  return `${lines.join("\n")}\n`;
}

describe("hostile YAML", () => {
  it("an alias bomb ends at the bound on values", () => {
    expect(problemsWith(aliasBomb()).some((problem) => problem.includes("holds too many values"))).toBe(true);
  });

  it("nesting that can be read ends at the bound on depth", () => {
    expect(
      problemsWith(`routes: ${"[".repeat(40)}${"]".repeat(40)}`).some((problem) =>
        problem.endsWith("is nested too deep"),
      ),
    ).toBe(true);
  });

  it("an alias of what it stands in ends at the bound on depth", () => {
    expect(problemsWith("routes: &a [*a]").some((problem) => problem.endsWith("is nested too deep"))).toBe(true);
  });

  it.each([
    ["flow", "[".repeat(100_000)],
    ["closed flow", "[".repeat(20_000) + "]".repeat(20_000)],
    ["block", "- ".repeat(20_000)],
  ])("nesting beyond what can be read is one problem: %s", (_, text) => expect(problemsIn(text)).toHaveLength(1));

  it.each(["__proto__", "constructor", "prototype"])("%s is no possible key, at any depth", (key) => {
    expect(problemsWith(`${key}: { deadline: 1s }`)).toContain(`${key}  is no possible key`);
    expect(problemsWith(`identity: { headers: { ${key}: sub } }`)).toEqual([
      `identity.headers.${key}  is no possible key`,
    ]);
    expect(({} as Record<string, unknown>)["deadline"]).toBeUndefined();
  });

  it("names that objects inherit are ordinary names", () => {
    expect(problemsWith("toString: 1")).toEqual(["toString  is no known key"]);
    expect(
      configWith(
        "tiers: { toString: { maxStaleness: 0s }, valueOf: { maxStaleness: 0s } }\nroutes: [{ path: /, tier: valueOf }]",
      ).tiers.map(({ name }) => name),
    ).toEqual(["toString", "valueOf"]);
    expect(problemsWith("routes: [{ path: /, tier: hasOwnProperty }]")).toEqual([
      'routes[0].tier  is "hasOwnProperty": no such tier',
    ]);
  });

  it("a tier that looks like an index is refused, for objects would put it first", () => {
    expect(problemsWith('tiers: { b: { maxStaleness: 0s }, "1": { maxStaleness: 1s } }')).toEqual([
      'tiers["1"]  is no possible name',
    ]);
  });

  it("anchors and aliases within the bounds are understood", () => {
    const config = configOf(`issuers:
  - { issuer: a, id: a, jwks: { file: f }, audiences: &aud [x, y] }
  - { issuer: b, id: b, jwks: { file: f }, audiences: *aud }
`);
    expect(config.issuers[1]?.audiences).toEqual(["x", "y"]);
  });

  it.each([
    ["a second document", `${MINIMAL}---\n${MINIMAL}`, "begins a second document"],
    ["another version", `%YAML 1.1\n---\n${MINIMAL}`, "asks for YAML 1.1"],
    ["tabs", "issuers:\n\t- a", "Tabs are not allowed"],
    ["an unknown tag", "deadline: !secret 1s", "Unresolved tag"],
    ["an alias to nowhere", `${MINIMAL}deadline: *gone`, 'is an alias of "gone", which no anchor names'],
    ["a key that is a list", `${MINIMAL}? [a]\n: 1`, "is a key that is no text"],
    ["a list as the whole", "- a", "is a list"],
    ["a word as the whole", "hello", 'is "hello"'],
  ])("%s is refused", (_, text, problem) => {
    expect(problemsIn(text).join("\n")).toContain(problem);
  });

  it("repeated keys are found at any depth, in any notation", () => {
    expect(problemsWith('store: { timeout: 1ms, "timeout": 2ms }\ndeadline: 50ms\ndeadline: 60ms')).toEqual([
      "store.timeout  stands here a second time",
      "deadline  stands here a second time",
    ]);
  });

  it("special values never pass for text or numbers", () => {
    expect(problemsWith("deadline: !!binary aGk=")).toHaveLength(1);
    expect(problemsWith("deadline: !!timestamp 2001-01-01")).toHaveLength(1);
    expect(problemsWith("limits: { maxInFlight: .inf }")).toEqual(["limits.maxInFlight  is the number Infinity"]);
  });

  it("line ends of every kind give the same places", () => {
    expect(problemsIn("deadlin: 1s\r\nissuers: 5\r\n").map((line) => line.split("  ")[0])).toEqual([
      "/etc/p.yaml:1:1",
      "/etc/p.yaml:2:10",
    ]);
  });
});
