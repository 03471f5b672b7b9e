// What is given away of the configuration: its JSON Schema, and the effective configuration as YAML.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { formatConfig } from "../../../src/config/format.ts";
import { configJsonSchema } from "../../../src/config/json-schema.ts";
import { configOf, configWith, MINIMAL, problemsWith } from "./support.ts";

const FULL = readFileSync(new URL("fixtures/full.yaml", import.meta.url), "utf8");

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly propertyNames?: Schema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly minimum?: number;
  readonly maximum?: number;
}

const SCHEMA = configJsonSchema() as Schema;

/** As much of JSON Schema as the schema uses. */
function accepts(schema: Schema, value: unknown): boolean {
  if (schema.$ref !== undefined) return accepts(SCHEMA.$defs?.[schema.$ref.replace("#/$defs/", "")] ?? {}, value);
  if (schema.anyOf !== undefined) return schema.anyOf.some((option) => accepts(option, value));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.const !== undefined) return schema.const === value;
  switch (schema.type) {
    case "string":
      return typeof value === "string" && (schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value));
    case "integer":
    case "number":
      return (
        typeof value === "number" && value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity)
      );
    case "boolean":
      return typeof value === "boolean";
    case "array":
      return Array.isArray(value) && value.every((item) => accepts(schema.items ?? {}, item));
    case "object":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        acceptsBlock(schema, value as Record<string, unknown>)
      );
    case undefined:
    default:
      throw new Error(`the schema uses what this test does not know: ${JSON.stringify(schema)}`);
  }
}

function acceptsBlock(schema: Schema, block: Readonly<Record<string, unknown>>): boolean {
  const missing = (schema.required ?? []).some((key) => !(key in block));
  return (
    !missing &&
    Object.entries(block).every(([key, value]) => {
      const inner = schema.properties?.[key] ?? schema.additionalProperties;
      if (schema.propertyNames !== undefined && !accepts(schema.propertyNames, key)) return false;
      return typeof inner === "object" && accepts(inner, value);
    })
  );
}

function* blocks(schema: Schema, path = ""): Generator<readonly [string, Schema]> {
  if (schema.type === "object") yield [path, schema];
  for (const [key, inner] of Object.entries(schema.properties ?? {})) yield* blocks(inner, `${path}.${key}`);
  if (schema.items !== undefined) yield* blocks(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") yield* blocks(schema.additionalProperties, `${path}.*`);
}

describe("the JSON Schema", () => {
  it("accepts the documented example and a minimal file", () => {
    expect(accepts(SCHEMA, parse(FULL))).toBe(true);
    expect(accepts(SCHEMA, parse(MINIMAL))).toBe(true);
  });

  it.each([
    "{}",
    `${MINIMAL}deadlin: 1s`,
    `${MINIMAL}deadline: 5`,
    `${MINIMAL}deadline: 5 s`,
    `${MINIMAL}limits: { maxInFlight: 0 }`,
    `${MINIMAL}routes: [{ tier: low }]`,
    `${MINIMAL}listen: { grpc: 5 }`,
    `${MINIMAL}store: { type: mysql }`,
  ])("refuses %j", (text) => {
    expect(accepts(SCHEMA, parse(text))).toBe(false);
  });

  const env = { DELAY: "99", SIZE: "8KiB", TYPE: "memory", ALL: "all", TIER: "low", N: "5", T: "true", KEY: "low" };

  it.each([
    "deadline: ${DELAY}ms",
    "deadline: ${UNSET:-7ms}",
    'limits: { maxTokenBytes: "${SIZE}" }',
    'store: { type: "${TYPE}" }',
    'telemetry: { decisions: { deny: "${ALL}" }, otlp: "${UNSET:-}" }',
    'routes: [{ path: /a, tier: "${TIER}", methods: ["${UNSET:-GET}"] }]',
    'listen: { grpc: ["${UNSET:-127.0.0.1:1}"] }',
    'tiers: { only: { maxStaleness: "${DELAY}ms" } }',
  ])("accepts a placeholder where the file may hold one: %s", (text) => {
    expect(problemsWith(text, env)).toEqual([]);
    expect(accepts(SCHEMA, parse(MINIMAL + text))).toBe(true);
  });

  it.each([
    'limits: { maxInFlight: "${N}" }',
    'identity: { forwardToken: "${T}" }',
    'telemetry: { sampleRatio: "${N}" }',
    'tiers: { "${KEY}": { maxStaleness: 1s } }',
    'deadline: "${1A}"',
    'deadline: "${DELAY"',
  ])("refuses one where the file may hold none: %s", (text) => {
    expect(problemsWith(text, env).length).toBeGreaterThan(0);
    expect(accepts(SCHEMA, parse(MINIMAL + text))).toBe(false);
  });

  it("asks only for what is required", () => {
    expect(SCHEMA.required).toEqual(["issuers"]);
    expect(SCHEMA.properties?.["issuers"]?.items?.required).toEqual(["issuer", "jwks"]);
  });

  it("is strict in every block, and says what every key means", () => {
    for (const [path, block] of blocks(SCHEMA)) {
      if (block.properties === undefined) continue;
      expect([path, block.additionalProperties]).toEqual([path, false]);
      for (const [key, field] of Object.entries(block.properties))
        expect(field.description, `${path}.${key}`).toBeTruthy();
    }
  });

  it("shows the defaults", () => {
    expect(JSON.stringify(SCHEMA.properties?.["limits"])).toContain('"default":"16KiB"');
    expect(JSON.stringify(SCHEMA.properties?.["deadline"])).toContain('"default":"150ms"');
  });
});

describe("the effective configuration as YAML", () => {
  it.each([
    ["the documented example", FULL],
    ["a minimal file", MINIMAL],
  ])("loads to the same one: %s", (_, text) => {
    const config = configOf(text);
    expect(configOf(formatConfig(config))).toEqual(config);
  });

  it("loads to the same one with everything unusual in it", () => {
    const config = configOf(`issuers:
  - { issuer: http://a, id: a, jwks: { discovery: true, allowHttp: true }, anyAudience: true }
  - { issuer: b, id: b, jwks: { file: f }, audiences: [x, y], requireJti: false, profile: jwt }
control: { issuer: b }
listen: { grpc: ["[::1]:1", "unix:/a"] }
store: { type: embedded, path: x.db }
tiers: { only: { maxStaleness: 1500ms, failOpenFor: 90s } }
routes: [{ name: n, path: /, host: h, methods: [GET], tier: only, scopes: [s] }]
telemetry: { otlp: "http://h:4318", decisions: { deny: 0.5, allow: all, subject: plain } }
`);
    expect(configOf(formatConfig(config))).toEqual(config);
  });

  it.each([
    "redis://user:hunter2@h:1/0",
    "redis://:hunter2@h",
    "rediss://u:hunter2@h",
    "unix://u:hunter2@/run/r.sock",
    "redis://user:p@hunter2@h",
    "redis://user:hunter2@@h",
    "redis://user:a:hunter2@b@h:6379/3",
    "redis://us@er:hunter2@h",
    "redis://hunter2@h",
    "redis://:hunter2@[::1]:6379/0",
  ])("hides user and password in %s", (url) => {
    const text = formatConfig(configWith(`store: { url: "${url}" }`));
    expect(text).not.toContain("hunter2");
    expect(text).toMatch(/\/\/\*\*\*@(?:h|\[::1\]|\/run)/);
  });

  it.each(["redis://h:6379/0", "unix:/run/a@b.sock", "unix:///run/a@b.sock"])("leaves %s as it is", (url) => {
    expect(formatConfig(configWith(`store: { url: "${url}" }`))).toContain(`url: ${url}\n`);
  });
});
