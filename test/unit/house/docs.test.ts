// Holds README and docs to the tree: a file, a command, a metric or a setting that they name is there. It cannot tell
// whether what they say of it is true.

import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../../../src/commands/cli.ts";
import type { CommandIo } from "../../../src/commands/io.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

const DOCUMENTS = ["README.md", "SECURITY.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md").toSorted()];

/** Written by a run, not by a person. */
const MADE_BY_RUNS: ReadonlySet<string> = new Set(["bench/results/latest.json"]);

const FENCE = /^```(\S*)[^\n]*\n([\s\S]*?)^```$/gm;
const INLINE_CODE = /`([^`\n]+)`/g;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const PATH_IN_TREE = /(?<![\w./-])(?:\.ci|bench|bin|deploy|docs|envoy|examples|proto|scripts|src|test)\/[\w./*{},-]+/g;

interface Fence {
  readonly language: string;
  readonly code: string;
}

function textOf(document: string): string {
  return readFileSync(document, "utf8");
}

function fencesOf(text: string): readonly Fence[] {
  return [...text.matchAll(FENCE)].map(([, language = "", code = ""]) => ({ language, code }));
}

/** Everything set as code: in fences and within lines. */
function codeOf(text: string): readonly string[] {
  const inline = [...text.replaceAll(FENCE, "").matchAll(INLINE_CODE)].map(([, code = ""]) => code);
  return [...inline, ...fencesOf(text).map(({ code }) => code)];
}

/** YAML blocks of README whose first line is `# mark`. */
function markedYaml(mark: string): readonly string[] {
  return fencesOf(textOf("README.md"))
    .filter(({ language, code }) => language === "yaml" && code.startsWith(`# ${mark}\n`))
    .map(({ code }) => code);
}

/** As GitHub makes them: lower case, punctuation dropped, spaces as hyphens. */
function anchorsOf(text: string): readonly string[] {
  return [...text.replaceAll(FENCE, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What is wrong with a relative link of `document`; undefined: it leads somewhere. */
function faultOfLink(document: string, link: string): string | undefined {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : normalize(join(dirname(document), path));
  if (!existsSync(target)) return `${link}: there is no ${target}`;
  if (anchor === undefined || anchorsOf(textOf(target)).includes(anchor)) return undefined;
  return `${link}: ${target} has no such heading`;
}

/** `a/{b,c}.ts` and `a/*.ts` are names of several files. */
function isInTree(path: string): boolean {
  return MADE_BY_RUNS.has(path) || (/[*{]/.test(path) ? globSync(path).length > 0 : existsSync(path));
}

async function helpOf(...command: readonly string[]): Promise<string> {
  let help = "";
  const io = { out: (text: string) => void (help += text), err: () => undefined, version: "" };
  await runCli([...command, "--help"], io as unknown as CommandIo);
  return help;
}

async function commandsOfCli(): Promise<readonly string[]> {
  return [...(await helpOf()).matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm)].map(([, name = ""]) => name);
}

function metricNames(): ReadonlySet<string> {
  const families = Object.values(createMetrics({ wallNowMs: Date.now, droppedLogLines: () => 0 }));
  return new Set(
    families.flatMap(({ name, type }) =>
      type === "histogram" ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
}

describe.each(DOCUMENTS)("%s", (document) => {
  const text = textOf(document);

  test("has no link that leads nowhere", () => {
    const links = [...text.replaceAll(FENCE, "").matchAll(LINK)].map(([, link = ""]) => link);
    const relative = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(relative.map((link) => faultOfLink(document, link)).filter((fault) => fault !== undefined)).toEqual([]);
  });

  test("names no file that is not there", () => {
    const paths = codeOf(text).flatMap((code) => [...code.matchAll(PATH_IN_TREE)].map(([path]) => path));
    expect(paths.map((path) => path.replace(/[.,]+$/, "")).filter((path) => !isInTree(path))).toEqual([]);
  });

  test("names no command that does not exist", async () => {
    const known = await commandsOfCli();
    expect(known).toContain("check-config");
    const named = codeOf(text).flatMap((code) =>
      [...code.matchAll(/(?<![\w./-])(?:bin\/)?portcullis ([a-z][a-z-]*)/g)].map(([, name = ""]) => name),
    );
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("names no option that its command does not have", async () => {
    const code = codeOf(text).map((written) => written.replaceAll("\\\n", " "));
    const calls = code.flatMap((written) => [
      ...written.matchAll(/(?<![\w./-])(?:bin\/)?portcullis ([a-z][a-z-]*)([^\n|;&<>)#]*)/g),
    ]);
    const unknown: string[] = [];
    for (const [call, command = "", rest = ""] of calls) {
      const help = await helpOf(command);
      const options = [...rest.matchAll(/(?<=\s)--[a-z-]+/g)].map(([option]) => option);
      if (options.some((option) => !new RegExp(`^ +${option} `, "m").test(help))) unknown.push(call);
    }
    expect(unknown).toEqual([]);
  });

  test("names no metric that does not exist", () => {
    const known = metricNames();
    const named = [...text.matchAll(/portcullis_[a-z_]+/g)].map(([name]) => name);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

/** Pages whose YAML that names issuers is a whole configuration. */
const WITH_CONFIGURATION = ["docs/ingress.md", "docs/opaque-tokens.md", "docs/status-lists.md"];

describe.each([...WITH_CONFIGURATION, ...DOCUMENTS.filter((name) => /^docs\/integrations\/[a-z0-9]+\.md$/.test(name))])(
  "the configuration in %s",
  (document) => {
    test("is one that check-config has nothing against", async () => {
      const blocks = fencesOf(textOf(document)).filter(
        ({ language, code }) => language === "yaml" && /^issuers:/m.test(code),
      );
      expect(blocks).not.toEqual([]);
      for (const { code } of blocks) expect(await checked(code)).toEqual([0, ""]);
    });
  },
);

/** Exit code and complaints of `check-config` on `yaml`, in a folder where the secrets that it names are. */
async function checked(yaml: string): Promise<readonly [number, string]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-docs-"));
  const file = join(folder, "portcullis.yaml");
  writeFileSync(file, yaml);
  for (const [, name = ""] of yaml.matchAll(/(?:bearer|clientSecret)File: ([\w.-]+)/g))
    writeFileSync(join(folder, name), "x");
  let said = "";
  const io = { out: () => undefined, err: (text: string) => void (said += text), env: {}, version: "" };
  const exitCode = await runCli(["check-config", file], io as unknown as CommandIo);
  rmSync(folder, { recursive: true });
  return [exitCode, said];
}

describe("README's configuration", () => {
  test("of Portcullis loads without a problem or a warning", () => {
    const blocks = markedYaml("portcullis.yaml");
    expect(blocks).not.toEqual([]);
    for (const block of blocks) {
      const loaded = loadConfig("portcullis.yaml", block, { CONTROL_TOKEN_SHA256: "a".repeat(64) });
      expect(loaded.ok ? loaded.value.warnings : loaded.error.map(formatProblem)).toEqual([]);
    }
  });

  test("of Envoy stands in the reference configuration, line by line", () => {
    const settings = (yaml: string): readonly string[] =>
      yaml
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#"));
    const reference = new Set(settings(textOf("envoy/envoy.yaml")));
    const blocks = markedYaml("from envoy/envoy.yaml");
    expect(blocks).not.toEqual([]);
    expect(blocks.flatMap(settings).filter((line) => !reference.has(line))).toEqual([]);
  });
});

test("every defence of the threat model names the test that proves it", () => {
  const rows = textOf("docs/threat-model.md")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.endsWith("| proved by |"));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => !/`test\/[^`]+` \|$/.test(row))).toEqual([]);
});
