// The pieces that the descriptions of all calls are made of in the OpenAPI document.

import type { JsonSchema } from "./json-schema.ts";
import { PROBLEM_MEDIA_TYPE } from "./problem.ts";
import { PROBLEM } from "./schemas.ts";

export function answer(description: string, schema: JsonSchema): JsonSchema {
  return { description, content: { "application/json": { schema } } };
}

export function problems(...statuses: readonly number[]): Readonly<Record<string, JsonSchema>> {
  const problem = { description: "Problem details (RFC 9457)", content: { [PROBLEM_MEDIA_TYPE]: { schema: PROBLEM } } };
  return Object.fromEntries(statuses.map((status) => [String(status), problem]));
}

export function parametersOf(schema: JsonSchema, where: "query" | "header"): readonly JsonSchema[] {
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const properties = schema["properties"] as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: required.has(name),
    schema: property,
  }));
}
