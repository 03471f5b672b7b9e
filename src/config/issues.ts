// Words the schema's issues for people: where, what is wrong, what is allowed. It decides nothing itself.

import { z } from "zod";
import { FIELD_WORDS } from "./fields.ts";
import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problem.ts";
import type { Path, Tree, TreeValue } from "./tree.ts";

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** One problem for every issue; what the tree already found broken is not reported again. */
export function problemsOf(issues: readonly Issue[], schema: Schema, tree: Tree): readonly ConfigProblem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], schema, tree));
}

function problemsOfIssue(issue: Issue, above: Path, schema: Schema, tree: Tree): readonly ConfigProblem[] {
  const path = [...above, ...issue.path];
  if (tree.isBroken(path)) return [];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schemaAt(schema, path, tree.root));
    return issue.keys
      .map((key) => unknownKey([...path, key], key, known, tree))
      .filter((problem) => problem !== undefined);
  }
  if (issue.code === "invalid_union") {
    const branch = issue.errors.find((errors) => errors.every((inner) => inner.path.length > 0));
    if (branch !== undefined) return branch.flatMap((inner) => problemsOfIssue(inner, path, schema, tree));
  }
  if (issue.code === "invalid_key") return [tree.atKey(path, "is no possible name", keyAllowed(schema, path, tree))];
  const field = schemaAt(schema, path, tree.root);
  const isHidden = field !== undefined && FIELD_WORDS.get(field)?.hidden === true;
  const what = describe(valueAt(tree.root, path), tree.isFromEnvironment(path), isHidden);
  return [tree.at(path, what, allowedBy(field))];
}

function unknownKey(path: Path, key: string, known: readonly string[], tree: Tree): ConfigProblem | undefined {
  if (tree.isBroken(path)) return undefined;
  const near = nearest(key, known);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  return tree.atKey(path, `is no known key${hint}`, `known here: ${known.join(", ")}`);
}

/** What stands there, for people; a text that may be a credential is not shown. */
export function describe(value: TreeValue | undefined, isFromEnvironment: boolean, isHidden: boolean): string {
  if (value === undefined) return "is missing";
  if (value === null) return "is empty";
  if (isFromEnvironment) return "is text from the environment that does not fit";
  if (isHidden && typeof value === "string") return value === "" ? 'is ""' : "is text that does not fit";
  if (typeof value === "number" || typeof value === "boolean") return `is the ${typeof value} ${value}`;
  return typeof value === "string" ? `is ${JSON.stringify(shown(value))}` : describeCollection(value);
}

function describeCollection(value: object): string {
  const isEmpty = Object.keys(value).length === 0;
  if (Array.isArray(value)) return isEmpty ? "is an empty list" : "is a list";
  return isEmpty ? "is an empty block" : "is a block of keys";
}

/** Short, and without the credentials of a URL. */
function shown(text: string): string {
  const safe = text.replace(/\/\/[^/\s]*@/, "//***@");
  return safe.length > 80 ? `${safe.slice(0, 80)}…` : safe;
}

export function valueAt(root: TreeValue, path: Path): TreeValue | undefined {
  let value: TreeValue | undefined = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, TreeValue>>)[key];
  }
  return value;
}

function keyAllowed(schema: Schema, path: Path, tree: Tree): string {
  const record = schemaAt(schema, path.slice(0, -1), tree.root);
  return record instanceof z.ZodRecord ? allowedBy(record.keyType) : "another name";
}

function allowedBy(schema: Schema | undefined): string {
  const words = schema === undefined ? undefined : FIELD_WORDS.get(schema)?.allowed;
  return words ?? (schema === undefined ? "see portcullis schema" : `a block of ${knownKeys(schema).join(", ")}`);
}

function knownKeys(schema: Schema | undefined): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The schema of what stands at `path`, defaults and the like taken off. */
function schemaAt(root: Schema, path: Path, value: TreeValue): Schema | undefined {
  let schema: Schema | undefined = bare(root, value);
  for (const [index, key] of path.entries()) {
    const inner: Schema | undefined = member(schema, key);
    if (inner === undefined) return undefined;
    schema = bare(inner, valueAt(value, path.slice(0, index + 1)));
  }
  return schema;
}

function member(schema: Schema | undefined, key: PropertyKey): Schema | undefined {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<PropertyKey, Schema>)[key];
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return undefined;
}

/** Of a union, the list where a list was written: it alone has members to point into. */
function bare(schema: Schema, value: TreeValue | undefined): Schema {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return bare(schema.unwrap(), value);
  }
  if (schema instanceof z.ZodUnion && Array.isArray(value)) {
    const list = (schema.options as readonly Schema[]).find((option) => option instanceof z.ZodArray);
    return list ?? schema;
  }
  return schema;
}
