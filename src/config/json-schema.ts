// Gives the schema of the file away as JSON Schema, for editors. What spans several keys is for check-config alone.

import { z } from "zod";
import { FIELD_WORDS } from "./fields.ts";
import { FILE } from "./schema.ts";
import { HOLDS_PLACEHOLDER } from "./substitute.ts";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const PLACEHOLDER: JsonSchema = {
  type: "string",
  pattern: HOLDS_PLACEHOLDER.source,
  description: "Text with ${NAME} or ${NAME:-default}: what comes of it is for check-config to judge.",
};

/**
 * JSON Schema (2020-12) of the file as it is written: units as text, every default, what is allowed in words. Where text
 * of one form is asked for, text with a placeholder is, too, as when the file is loaded.
 */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(FILE, {
    target: "draft-2020-12",
    io: "input",
    override: ({ zodSchema, jsonSchema, path }) => {
      const allowed = FIELD_WORDS.get(zodSchema)?.allowed;
      if (allowed !== undefined) {
        const meaning = jsonSchema.description;
        jsonSchema.description = meaning === undefined ? `Allowed: ${allowed}.` : `${meaning} Allowed: ${allowed}.`;
      }
      // Nothing is put into keys.
      if (!path.includes("propertyNames")) allowPlaceholder(jsonSchema);
    },
  });
  return { title: "Portcullis configuration", ...schema, $defs: { placeholder: PLACEHOLDER } };
}

/** What gives text a form. */
const FORMS: ReadonlySet<string> = new Set(["pattern", "enum", "const"]);

/** Leaves text of any form as it is, which allows it already, and numbers and truth values, which it never becomes. */
function allowPlaceholder(schema: JsonSchema): void {
  const form = Object.entries(schema).filter(([keyword]) => FORMS.has(keyword));
  if (schema.type !== "string" || form.length === 0) return;
  for (const [keyword] of [["type"], ...form] as const) Reflect.deleteProperty(schema, keyword);
  schema.anyOf = [{ type: "string", ...Object.fromEntries(form) }, { $ref: "#/$defs/placeholder" }];
}
