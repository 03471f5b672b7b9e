// The shapes of token introspection as JSON Schema, for validation and document alike.

import type { JsonSchema } from "./json-schema.ts";
import { AT } from "./schemas.ts";

/** Nothing: a token in a URL would stand in logs. */
export const INTROSPECTION_QUERY: JsonSchema = { type: "object", additionalProperties: false };

export const INTROSPECTION_FORM: JsonSchema = {
  type: "object",
  required: ["token"],
  properties: {
    token: { type: "string", minLength: 1 },
    token_type_hint: { type: "string", description: "Not heeded." },
  },
};

export const INTROSPECTION: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["active"],
  properties: {
    active: {
      type: "boolean",
      description: "Whether a Check of any of its issuer's audiences would find it good now.",
    },
    token_type: { type: "string", enum: ["Bearer"] },
    iss: { type: "string" },
    sub: { type: "string" },
    aud: { oneOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    client_id: { type: "string" },
    scope: { type: "string", description: "Separated by spaces." },
    exp: { type: "number", description: "Epoch seconds." },
    iat: { type: "number", description: "Epoch seconds." },
    nbf: { type: "number", description: "Epoch seconds." },
    jti: { type: "string" },
    sid: { type: "string", description: "The session." },
    tenant: { type: "string" },
    revoked: { type: "boolean", description: "Absent of a token that is not good for another reason." },
    since: { ...AT, description: "Epoch milliseconds of the revocation, where known." },
    by: { type: "string", description: "Who revoked, where known." },
    reason: { type: "string", description: "Why, where known." },
  },
};
