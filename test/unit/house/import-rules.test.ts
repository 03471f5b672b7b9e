// Proves that the linter notices every kind of forbidden import, and leaves the allowed ones alone: a rule whose pattern
// never matches looks just like a house in good order.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

const ROOMS = [
  "commands",
  "config",
  "control",
  "core",
  "ext-authz",
  "lifecycle",
  "ops",
  "policy",
  "resilience",
  "revocation",
  "telemetry",
  "token",
];

/** Who may import whom (values), written down a second time on purpose. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  commands: ROOMS,
  config: ["core"],
  control: ["core", "policy", "revocation", "token"],
  core: [],
  "ext-authz": ["core", "policy", "resilience"],
  lifecycle: ["core"],
  ops: ["core"],
  policy: ["core"],
  resilience: ["core"],
  revocation: ["core", "resilience"],
  telemetry: ["core"],
  token: ["core", "resilience"],
};

/** The one folder, below src/, that may use a library. */
const OWNERS: Readonly<Record<string, string>> = {
  jose: "token",
  "lru-cache": "token",
  ioredis: "revocation/redis",
  "node:sqlite": "revocation/embedded",
  "@grpc/grpc-js": "ext-authz",
  "@grpc/proto-loader": "ext-authz",
  fastify: "control",
  "@opentelemetry/api": "telemetry",
  "@opentelemetry/sdk-node": "telemetry",
  "prom-client": "telemetry",
  pino: "telemetry",
  yaml: "config",
  zod: "config",
  commander: "commands",
};

const FOLDERS = [...ROOMS, "revocation/redis", "revocation/embedded", "control/api", "a-room-nobody-listed"];

interface Probe {
  readonly from: string;
  readonly code: string;
  readonly forbidden: boolean;
}

const probes: Probe[] = [];

function probe(from: string, code: string, forbidden: boolean): void {
  probes.push({ from, code, forbidden });
}

for (const folder of FOLDERS) {
  const [room = folder] = folder.split("/");
  const src = "../".repeat(folder.split("/").length);
  for (const target of ROOMS.filter((name) => name !== room)) {
    probe(folder, `import { x } from "${src}${target}/x.ts";`, !(MAY_IMPORT[room] ?? []).includes(target));
  }
  for (const [library, owner] of Object.entries(OWNERS)) {
    const owned = owner === folder || (owner === room && folder !== room);
    probe(folder, `import { x } from "${library}";`, !owned);
    if (!library.startsWith("node:")) probe(folder, `import { x } from "${library}/deeper";`, !owned);
  }
  probe(folder, `import { x } from "./neighbour.ts";`, false);
  probe(folder, `import { x } from "node:http";`, folder === "core" || folder === "a-room-nobody-listed");
  probe(folder, `import { env } from "node:process";`, true);
  probe(folder, `import { env } from "process";`, true);
  probe(folder, `import { x } from "some-new-library";`, true);
  probe(folder, `export const home = process.env["HOME"];`, true);
  probe(folder, `export const home = globalThis.process.env["HOME"];`, true);
  probe(folder, `import { x } from "${src}../test/support/principal.ts";`, true);
}

// Every way of writing an import.
probe("policy", `import type { X } from "../token/x.ts";`, true);
probe("policy", `export { x } from "../token/x.ts";`, true);
probe("policy", `export * from "../token/x.ts";`, true);
probe("policy", `export const x = await import("../token/x.ts");`, true);
probe("policy", `import "../token/x.ts";`, true);
probe("policy", `import { x } from "./../token/x.ts";`, true);
probe("policy", `import { x } from "../core/../token/x.ts";`, true);
probe("policy", `import { x } from "./deeper/../../token/x.ts";`, true);
// The types of token and revocation are ext-authz's, their values are not.
for (const room of ["token", "revocation"]) {
  probe("ext-authz", `import type { X } from "../${room}/x.ts";`, false);
  probe("ext-authz", `import { type X } from "../${room}/x.ts";`, false);
  probe("ext-authz", `import { type X, y } from "../${room}/x.ts";`, true);
  probe("ext-authz", `export * from "../${room}/x.ts";`, true);
}
probe("revocation/redis", `import { x } from "../keys.ts";`, false);
probe("revocation/redis", `import { x } from "../../resilience/breaker.ts";`, false);
probe("main.ts", `import { x } from "./commands/serve.ts";\nimport { argv } from "node:process";`, false);

const IMPORT_RULES = /no-restricted-(?:imports|globals|properties)/;

/** Lints `files`, given by path, in a tree with this project's own configuration; returns what broke which rule. */
function lint(files: ReadonlyMap<string, string>): readonly { readonly file: string; readonly rule: string }[] {
  const root = mkdtempSync(join(tmpdir(), "portcullis-house-"));
  try {
    copyFileSync(resolve("oxlint.config.ts"), join(root, "oxlint.config.ts"));
    for (const [path, code] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${code}\n`);
    }
    const report = JSON.parse(runLinter(root)) as { diagnostics: { code: string; filename: string }[] };
    return report.diagnostics.map(({ filename, code }) => ({ file: filename, rule: code }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function runLinter(root: string): string {
  try {
    return execFileSync(resolve("node_modules/.bin/oxlint"), ["--format=json"], { cwd: root, encoding: "utf8" });
  } catch (failure) {
    // Found problems end it with code 1 and the report on standard output; anything else is no report.
    const { stdout } = failure as { readonly stdout: string };
    if (stdout === "") throw failure;
    return stdout;
  }
}

describe("the linter, told who may import whom", () => {
  let noticed: ReadonlySet<string>;

  function pathOf(index: number): string {
    const from = probes[index]?.from ?? "";
    return from === "main.ts" ? "src/main.ts" : join("src", from, `probe-${index}.ts`);
  }

  beforeAll(() => {
    const files = new Map(probes.map(({ code }, index) => [pathOf(index), code]));
    const broken = lint(files).filter(({ rule }) => IMPORT_RULES.test(rule));
    noticed = new Set(broken.map(({ file }) => file));
  });

  test("notices every forbidden import", () => {
    const missed = probes.filter(({ forbidden }, index) => forbidden && !noticed.has(pathOf(index)));
    expect(missed).toEqual([]);
  });

  test("leaves every allowed import alone", () => {
    const wronged = probes.filter(({ forbidden }, index) => !forbidden && noticed.has(pathOf(index)));
    expect(wronged).toEqual([]);
  });

  test("notices a cycle of imports", () => {
    const files = new Map([
      ["src/core/a.ts", `import { b } from "./b.ts";\nexport const a = (): number => b();`],
      ["src/core/b.ts", `import { a } from "./a.ts";\nexport const b = (): number => a();`],
    ]);
    expect(lint(files).map(({ rule }) => rule)).toContain("import(no-cycle)");
  });
});
