// What pages have a reader type at a cluster or a container engine, as far as it can be told without one: the values render,
// and every secret, deployment, service, label, file and logged event that a command names is there.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { blocksOf, PAGES } from "../support/documented/pages.ts";

const HELM = resolve(".cache/deploy/helm");
const WHY_SKIPPED = existsSync(HELM) ? "" : " (skipped: Go was missing when scripts/install-deploy-tools ran)";
const GUIDE = readFileSync("docs/deployment.md", "utf8");
const COMMANDS = PAGES.flatMap(blocksOf).flatMap(({ commands }) => commands.map(({ text }) => text));

function named(pattern: RegExp): readonly string[] {
  const found = COMMANDS.filter((text) => /^(?:kubectl|helm|docker) /.test(text)).flatMap((text) =>
    [...text.matchAll(pattern)].map(([, name = ""]) => name),
  );
  expect(found).not.toEqual([]);
  return [...new Set(found)];
}

describe.skipIf(!existsSync(HELM))(`the chart, as docs/deployment.md installs it${WHY_SKIPPED}`, () => {
  let folder: string;
  let rendered: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-deploy-"));
    const [values = ""] = /(?<=^4\. \*\*Values\*\*[\s\S]*?```yaml\n)[\s\S]*?(?=```)/m.exec(GUIDE) ?? [];
    writeFileSync(join(folder, "my-values.yaml"), values.replaceAll(/^ {3}/gm, ""));
    const install = COMMANDS.find((text) => text.startsWith("helm upgrade --install portcullis ")) ?? "";
    const args = install
      .split(" ")
      .slice(3)
      .map((arg) => (arg === "my-values.yaml" ? join(folder, arg) : arg));
    const { stdout, stderr } = spawnSync(HELM, ["template", ...args, "--kube-version", "1.36.0"], { encoding: "utf8" });
    rendered = stdout || stderr;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const names = (kind: string): readonly unknown[] =>
    parseAllDocuments(rendered)
      .map((document) => document.toJS() as { kind: string; metadata: { name: string } } | null)
      .flatMap((manifest) => (manifest?.kind === kind ? [manifest.metadata.name] : []));

  test("has the deployments and services that commands name", () => {
    const own = /\b(?:deployment|service)\/(portcullis[a-z-]*)/g;
    expect(named(own).filter((name) => ![...names("Deployment"), ...names("Service")].includes(name))).toEqual([]);
  });

  test("reads every secret that commands make, by the keys that they give it, and no other", () => {
    const made = COMMANDS.flatMap((text) => {
      const [, name, files = ""] = /create secret generic (\S+) (.*)$/.exec(text) ?? [];
      return name === undefined ? [] : [...files.matchAll(/--from-file=(\w+)=/g)].map(([, key]) => `${name}/${key}`);
    });
    const references = rendered.matchAll(/secretKeyRef: \{ name: (\S+), key: (\S+) \}/g);
    const volumes = rendered.matchAll(/\{ name: (\S+), secret: \{ secretName: (\S+) \} \}/g);
    const read = [
      ...[...references].map(([, name, key]) => `${name}/${key}`),
      ...[...volumes].flatMap(([, volume, name]) =>
        [...rendered.matchAll(new RegExp(`/etc/portcullis/${volume}/(\\w+)`, "g"))].map(([, key]) => `${name}/${key}`),
      ),
    ];
    expect(new Set(made)).toEqual(new Set(read));
  });

  test("labels the pods whose logs are asked for", () => {
    for (const label of named(/ -l (\S+=\S+)/g)) expect(rendered).toContain(label.replace("=", ": "));
  });
});

test("every event that is looked for in logs is one that is logged", () => {
  const sources = globSync("src/**/*.ts").map((file) => readFileSync(file, "utf8"));
  const events = named(/\| grep (?:-E )?'?([\w()|]+)'?$/g).flatMap((pattern) => {
    const [, stem = "", ends = pattern] = /^(\w+)\((\S+)\)$/.exec(pattern) ?? [];
    return ends.split("|").map((end) => `${stem}${end}`);
  });
  expect(events.length).toBeGreaterThan(5);
  expect(events.filter((event) => !sources.some((source) => source.includes(event)))).toEqual([]);
});

test("every file that is applied is there, and the image has what is asked of it", () => {
  const files = named(/ -f (deploy\/\S+)/g);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  const dockerfile = readFileSync("Dockerfile", "utf8");
  for (const path of named(/ (\/app\/\S+)/g)) expect(dockerfile).toContain(path.replace("/app/", ""));
});
