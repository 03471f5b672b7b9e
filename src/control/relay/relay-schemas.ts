// The shapes of what a relayed sidecar asks a control plane.

import type { JsonSchema } from "../json-schema.ts";

/** A batch of a sidecar has 1,024 keys; a single look-up stands whole in one. */
const MAX_KEYS = 2_048;
/** A key prefix, and the longest name of a marker. */
const MAX_KEY_LENGTH = 512;

export const RELAY_QUERY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    relay: { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$", description: "What it followed before." },
    next: { type: "string", pattern: "^[0-9]{1,15}$", description: "The number of what it was to be told next." },
  },
};

export const LOOK_UPS: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["keys"],
  properties: {
    keys: {
      type: "array",
      minItems: 1,
      maxItems: MAX_KEYS,
      items: { type: "string", minLength: 1, maxLength: MAX_KEY_LENGTH },
      description: "Keys of markers, as they stand in the store.",
    },
  },
};

export const LOOKED_UP: JsonSchema = {
  type: "object",
  required: ["values"],
  properties: {
    values: {
      type: "array",
      items: { type: ["string", "null"] },
      description: "Of each key in turn, read after the question came; null: no such string.",
    },
  },
};
