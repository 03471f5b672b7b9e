// The shapes of what is asked of an event stream, and of what it tells.

import type { JsonSchema } from "../json-schema.ts";
import { AT, ISSUED_BEFORE, TARGET } from "../schemas.ts";
import { EVENT_TYPES } from "./encoded-event.ts";

const SEQ_TEXT: JsonSchema = { type: "string", pattern: "^[0-9]{1,15}$" };

export const EVENTS_QUERY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    after: { ...SEQ_TEXT, description: "Begin after this seq; left out: with what happens from now on." },
  },
};

export const EVENTS_HEADERS: JsonSchema = {
  type: "object",
  properties: {
    "last-event-id": {
      type: "string",
      pattern: "^[0-9]{0,15}$",
      description: "Go on after this seq; counts before `after`. An EventSource sends it by itself.",
    },
  },
};

export const EVENT: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["type", "seq"],
  description:
    "The data of a server-sent event, whose id is seq, and a message of the WebSocket. RESET (a server-sent event of " +
    "the name reset) says that something was missed: read the list anew; what follows is what happened after seq.",
  properties: {
    type: { type: "string", enum: EVENT_TYPES },
    id: { type: "string", description: "Of the revocation, of a lifted one too." },
    seq: { type: "integer", description: "Dense: one more than the event before." },
    at: AT,
    target: TARGET,
    reason: { type: "string" },
    issued_before: ISSUED_BEFORE,
    why: {
      type: "string",
      enum: ["forgotten", "replaced"],
      description: "Of RESET: the log begins later by now, or is not the one it was.",
    },
  },
};
