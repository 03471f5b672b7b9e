// Gives the schema of the file away as JSON Schema, for editors. What spans several keys is for check-config alone.

import { z } from "zod";
import { FIELD_WORDS } from "./fields.ts";
import { FILE } from "./schema.ts";

/** JSON Schema (2020-12) of the file as it is written: units as text, every default, what is allowed in words. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(FILE, {
    target: "draft-2020-12",
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const allowed = FIELD_WORDS.get(zodSchema)?.allowed;
      if (allowed === undefined) return;
      const meaning = jsonSchema.description;
      jsonSchema.description = meaning === undefined ? `Allowed: ${allowed}.` : `${meaning} Allowed: ${allowed}.`;
    },
  });
  return { title: "Portcullis configuration", ...schema };
}
