// The shapes of what a sidecar reports, of the fleet as it is listed, and of a receipt that it gave.

import { MAX_SIDECARS } from "../../revocation/fleet-board.ts";
import type { JsonSchema } from "../json-schema.ts";
import { ANSWERS } from "../preview/fleet-json.ts";
import { TOTALS } from "./totals.ts";

const ID: JsonSchema = {
  type: "string",
  pattern: "^[A-Za-z0-9._-]{1,100}$",
  description: "Of one process: its host, and something drawn at its start.",
};
const VERSION: JsonSchema = { type: "string", pattern: "^[ -~]{1,64}$" };
const SEQ: JsonSchema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const MILLISECONDS: JsonSchema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const BREAKER: JsonSchema = { type: "string", enum: ["closed", "open", "half-open"] };
const LAG: JsonSchema = {
  ...MILLISECONDS,
  type: ["integer", "null"],
  description: "Since its replica last proved itself current; null: it has none, or that never was.",
};

/** What a sidecar sends. */
export const SIDECAR_REPORT: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "version", "heeded", "lag_ms", "breaker", "started_at"],
  properties: {
    id: ID,
    version: VERSION,
    heeded: {
      type: ["object", "null"],
      additionalProperties: false,
      required: ["epoch", "seq"],
      properties: { epoch: { type: "string", pattern: "^[ -~]{0,64}$" }, seq: SEQ },
      description: "Up to which entry of the feed everything is heeded; null: that cannot be said.",
    },
    lag_ms: LAG,
    breaker: BREAKER,
    started_at: MILLISECONDS,
    totals: TOTALS,
    answers: ANSWERS,
  },
};

export const FLEET: JsonSchema = {
  type: "array",
  maxItems: MAX_SIDECARS,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["id", "version", "seq", "lag_ms", "breaker", "started_at", "last_seen"],
    properties: {
      id: ID,
      version: VERSION,
      seq: { ...SEQ, type: ["integer", "null"], description: "Up to which it heeds everything; null: it cannot say." },
      lag_ms: LAG,
      breaker: BREAKER,
      started_at: { ...MILLISECONDS, description: "Epoch milliseconds, by its own clock." },
      totals: TOTALS,
      last_seen: { ...MILLISECONDS, description: "Epoch milliseconds, by the store's clock." },
    },
  },
};

export const FLEET_RECEIPT: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["live", "applied", "pending", "ms"],
  description: "Of wait: fleet.",
  properties: {
    live: { type: "integer", description: "Sidecars that were there when it was stored." },
    applied: { type: "integer", description: "Those that refuse by it for sure." },
    pending: { type: "array", items: ID, description: "Those of which that is not known." },
    ms: { type: "integer", description: "From the request to the last that applied it, or to the end of the wait." },
  },
};
