// The shapes of what a preview is asked for and answers.

import { MAX_QUESTION_KEYS, RECENT_MS } from "../../revocation/preview/question.ts";
import type { JsonSchema } from "../json-schema.ts";
import { ISSUED_BEFORE, REVOCATION_MEMBERS, TARGET } from "../schemas.ts";

export const PREVIEW_REQUEST: JsonSchema = {
  type: "object",
  additionalProperties: false,
  description:
    "The body of a revocation as it is to be sent may be asked about; its reason, expiry and wait change nothing.",
  oneOf: [{ required: ["target"] }, { required: ["targets"] }],
  properties: {
    ...REVOCATION_MEMBERS,
    targets: {
      type: "array",
      minItems: 1,
      maxItems: MAX_QUESTION_KEYS,
      items: TARGET,
      description: "Several at once: what two of them hit counts once.",
    },
    issuedBefore: { ...ISSUED_BEFORE, description: "As for the revocation; the next full second where left out." },
  },
};

const COUNT: JsonSchema = { type: "integer", minimum: 0 };

export const PREVIEW: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["tokens", "sessions", "users", "exact", "within_ms", "coverage"],
  description: "Of the tokens that the sidecars saw lately, those that would be refused.",
  properties: {
    tokens: COUNT,
    sessions: COUNT,
    users: COUNT,
    exact: {
      type: "boolean",
      description: "false: from a hundred on, numbers are estimates; the standard error is 10 %.",
    },
    within_ms: { type: "integer", description: `How far back was looked: ${RECENT_MS} ms.` },
    coverage: {
      type: "object",
      additionalProperties: false,
      required: ["live", "answered", "missing", "back_ms"],
      properties: {
        live: { ...COUNT, description: "Sidecars that report." },
        answered: { ...COUNT, description: "Those that told what they saw." },
        missing: { type: "array", items: { type: "string" }, description: "The others; at most a hundred are named." },
        back_ms: {
          type: ["integer", "null"],
          description: "So far back every one that answered remembers all; null: none answered.",
        },
      },
    },
  },
};
