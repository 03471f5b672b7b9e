// `portcullis schema`: prints the JSON Schema of the configuration.

import { configJsonSchema } from "../config/json-schema.ts";
import { EXIT, type CommandIo } from "./io.ts";

export function printSchema(io: CommandIo): number {
  io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return EXIT.done;
}
