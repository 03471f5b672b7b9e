// Makes JSON schemas for kubeconform out of Kubernetes' OpenAPI document or of custom resource definitions: one file a
// kind, GROUP/kind_version.json, in which a field that nobody knows is a fault. It judges nothing by itself.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

interface Schema {
  readonly [keyword: string]: unknown;
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface CustomResourceDefinition {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

const GROUPS: ReadonlySet<string> = new Set(["", "apps", "autoscaling", "networking.k8s.io", "policy"]);
const OF_ANY: Schema = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: { type: "object" } };
const REFERENCE = "#/definitions/";

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The same, with every object closed that lists its properties. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (!isSchema(value)) return value;
  if (value["format"] === "int-or-string" || value["x-kubernetes-int-or-string"] === true) {
    return { anyOf: [{ type: "integer" }, { type: "string" }] };
  }
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closed(one)]));
  const isOpen = value["x-kubernetes-preserve-unknown-fields"] === true || value["additionalProperties"] !== undefined;
  // `properties` may also be the name of a field; a schema that lists some has the type object.
  return isSchema(value["properties"]) && value["type"] === "object" && !isOpen
    ? { ...inner, additionalProperties: false }
    : inner;
}

function write(folder: string, { group, version, kind }: GroupVersionKind, schema: unknown): void {
  // As kubeconform has it, the group of `apiVersion: v1` is v1.
  const home = join(folder, group === "" ? version : group);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, `${kind.toLowerCase()}_${version}.json`), JSON.stringify(schema));
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/"#\/definitions\/([^"]+)"/g)].map(([, name = ""]) => name);
}

/** Those that `name` needs, itself among them. */
function neededBy(name: string, definitions: ReadonlyMap<string, string>): ReadonlySet<string> {
  const needed = new Set([name]);
  for (const one of needed) for (const other of namesIn(definitions.get(one) ?? "")) needed.add(other);
  return needed;
}

function writeKubernetes(folder: string, document: { readonly definitions: Readonly<Record<string, Schema>> }): void {
  const texts = new Map(Object.entries(document.definitions).map(([name, one]) => [name, JSON.stringify(closed(one))]));
  for (const [name, definition] of Object.entries(document.definitions)) {
    const kinds = (definition["x-kubernetes-group-version-kind"] ?? []) as readonly GroupVersionKind[];
    const [kind, another] = kinds;
    if (kind === undefined || another !== undefined || !GROUPS.has(kind.group)) continue;
    const needed = [...neededBy(name, texts)].map((one) => [one, JSON.parse(texts.get(one) ?? "{}") as Schema]);
    write(folder, kind, { $ref: REFERENCE + name, definitions: Object.fromEntries(needed) as Schema });
  }
}

function writeCustom(folder: string, { spec }: CustomResourceDefinition): void {
  for (const { name, schema } of spec.versions) {
    const root = schema.openAPIV3Schema;
    const properties = { ...OF_ANY, ...(root["properties"] as Schema) };
    const whole = closed({ ...root, type: "object", properties });
    write(folder, { group: spec.group, version: name, kind: spec.names.kind }, whole);
  }
}

const [folder = "", file = ""] = process.argv.slice(2);
const text = readFileSync(file, "utf8");
if (file.endsWith(".json")) {
  writeKubernetes(folder, JSON.parse(text) as Parameters<typeof writeKubernetes>[1]);
} else {
  for (const document of parseAllDocuments(text)) {
    const definition = document.toJS() as CustomResourceDefinition | null;
    if (definition?.kind === "CustomResourceDefinition") writeCustom(folder, definition);
  }
}
