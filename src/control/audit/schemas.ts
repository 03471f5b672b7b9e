// The shapes of the audit trail's answers as JSON Schema, for validation and document alike.

import type { JsonSchema } from "../json-schema.ts";
import { AT, PAGING } from "../schemas.ts";
import { AUDIT_ACTIONS } from "./entry.ts";

export const AUDIT_QUERY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: PAGING,
};

export const AUDIT_PAGE: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["items"],
  properties: {
    items: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["action", "chain", "seq"],
        properties: {
          actor: { type: "string", description: "The caller's name; `stranger` where nobody knows it." },
          action: { type: "string", enum: [...AUDIT_ACTIONS, "unreadable"] },
          target: { type: "object", description: "Of what was refused no more than its kind." },
          reason: { type: "string", description: "The revocation's; of a refusal the code of its problem." },
          at: AT,
          id: { type: "string", description: "The revocation's." },
          count: { type: "integer", description: "Of refusals told together: how many there were." },
          chain: { type: "integer", description: "Each control plane at work writes a chain of its own." },
          seq: { type: "integer", description: "Of the entry in its chain, dense from 1." },
        },
      },
    },
    cursor: { type: "string", description: "Asks for the next page; absent on the last one." },
  },
};

export const AUDIT_VERDICT: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["valid", "entries", "chains", "lost"],
  properties: {
    valid: { type: "boolean", description: "Nothing of what is kept was changed, left out or put in." },
    entries: { type: "integer", description: "Entries that fit." },
    chains: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["chain", "entries", "dropped"],
        properties: {
          chain: { type: "integer" },
          entries: { type: "integer", description: "Up to the break, where there is one." },
          dropped: { type: "integer", description: "Older ones that the bounds let go; a signed checkpoint says so." },
          broken: {
            type: "object",
            additionalProperties: false,
            required: ["seq", "why"],
            properties: {
              seq: { type: "integer" },
              why: { type: "string", enum: ["missing", "changed", "checkpoint", "other_key"] },
            },
          },
        },
      },
    },
    lost: { type: "integer", description: "Entries that this control plane gave up since it began." },
  },
};
