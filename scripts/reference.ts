// Writes docs/reference from what the program itself says: the schema of the file, the help of every command, and the
// metrics. It knows none of them by name; `make reference` runs it, and a test holds the pages to it.

import { mkdirSync, writeFileSync } from "node:fs";
import { runCli } from "../src/commands/cli.ts";
import type { CommandIo } from "../src/commands/io.ts";
import { configJsonSchema } from "../src/config/json-schema.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";

const DIRECTORY = "docs/reference";
const MADE = "Made by `make reference` from the program itself; change it there.";

interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  /** To the one that allows a placeholder, of which the page of the file speaks. */
  readonly $ref?: string;
}

/** The pages by their file names. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["configuration.md", configurationPage(configJsonSchema() as Schema)],
    ["commands.md", await commandsPage()],
    ["metrics.md", metricsPage()],
  ]);
}

function configurationPage(schema: Schema): string {
  const blocks = Object.entries(schema.properties ?? {});
  const sections = blocks.map(([name, block]) => {
    const isRequired = schema.required?.includes(name) === true;
    const rows = rowsOf(name, block, isRequired);
    return `## ${name}\n\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
  });
  return `# Reference: the configuration file\n\n${MADE} How values are written, and what one changes first, is in
[configuration.md](../configuration.md).\n\n${sections.join("\n")}`;
}

/** One row a value; a block whose members say it all has none of its own. */
function rowsOf(path: string, schema: Schema, isRequired: boolean): readonly string[] {
  const members = membersOf(path, schema);
  if (members.length > 0 && schema.description === undefined) return members;
  const fallback = schema.default === undefined || members.length > 0 ? "" : code(JSON.stringify(schema.default));
  const own = `| \`${path}\` | ${typeOf(schema)} | ${isRequired ? "required" : fallback} | ${cell(schema.description ?? "")} |`;
  return [own, ...members];
}

function membersOf(path: string, schema: Schema): readonly string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    rowsOf(`${path}.${name}`, member, schema.required?.includes(name) === true),
  );
  const named = schema.additionalProperties;
  const ofNames = typeof named === "object" ? membersOf(`${path}.<name>`, named) : [];
  const ofItems = schema.items === undefined ? [] : membersOf(`${path}[]`, schema.items);
  return [...own, ...ofNames, ...ofItems, ...(schema.anyOf ?? []).flatMap((one) => membersOf(path, one))];
}

function typeOf(schema: Schema): string {
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.filter(({ $ref }) => $ref === undefined).map(typeOf))].join(" or ");
  }
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((one) => code(String(one))).join(", ");
  if (schema.type === "array") return `list${schema.items === undefined ? "" : ` of ${typeOf(schema.items)}`}`;
  return schema.type === "object" ? "block" : String(schema.type ?? "any");
}

async function commandsPage(): Promise<string> {
  const listed = (await helpOf([])).split(/^(?:Commands|Examples):$/m)[1] ?? "";
  const names = [...listed.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = ""]) => name);
  const commands = await Promise.all(names.map(async (name) => `## ${name}\n\n${fence(await helpOf([name]))}`));
  return `# Reference: the commands\n\n${MADE}\n\n${fence(await helpOf([]))}\n${commands.join("\n")}`;
}

async function helpOf(command: readonly string[]): Promise<string> {
  let help = "";
  const io: Pick<CommandIo, "out" | "err" | "version"> = {
    out: (text) => void (help += text),
    err: (text) => void (help += text),
    version: "",
  };
  await runCli([...command, "--help"], io as CommandIo);
  return help.trim();
}

function metricsPage(): string {
  const families = Object.values(createMetrics({ wallNowMs: Date.now, droppedLogLines: () => 0 }));
  const rows = families.map(({ name, help, type, labelNames }) => {
    return `| \`${name}\` | ${type} | ${labelNames.map(code).join(", ")} | ${cell(help)} |`;
  });
  return `# Reference: the metrics\n\n${MADE} Beside them there are prom-client's of the Node process.\n
| metric | type | labels | meaning |\n|---|---|---|---|\n${rows.toSorted().join("\n")}\n`;
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\`\n`;
}

function code(text: string): string {
  return `\`${cell(text)}\``;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [name, text] of await referencePages()) writeFileSync(`${DIRECTORY}/${name}`, text);
}
