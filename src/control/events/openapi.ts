// What the OpenAPI document says of following what is revoked and lifted.

import type { JsonSchema } from "../json-schema.ts";
import { parametersOf, problems } from "../openapi-parts.ts";
import { EVENT, EVENTS_HEADERS, EVENTS_QUERY } from "./event-schemas.ts";

const EVENTS_PARAMETERS = [...parametersOf(EVENTS_QUERY, "query"), ...parametersOf(EVENTS_HEADERS, "header")];

const EVENTS = {
  operationId: "events",
  summary: "Follow what is revoked and lifted, by server-sent events",
  description: "Needs portcullis:read, for as long as it lasts. The schema is that of each event's data.",
  parameters: EVENTS_PARAMETERS,
  responses: {
    "200": { description: "A stream without an end", content: { "text/event-stream": { schema: EVENT } } },
    ...problems(400, 401, 403, 429, 503),
  },
};

const EVENTS_SOCKET = {
  operationId: "eventsSocket",
  summary: "Follow the same over a WebSocket, a message each",
  description: "Needs portcullis:read, for as long as it lasts. Not for web pages of another origin.",
  parameters: EVENTS_PARAMETERS,
  responses: { "101": { description: "A WebSocket (RFC 6455)" }, ...problems(400, 401, 403, 426, 429, 503) },
};

/** By path. */
export const EVENT_CALLS: Readonly<Record<string, JsonSchema>> = {
  "/v1/events": { get: EVENTS },
  "/v1/events/ws": { get: EVENTS_SOCKET },
};
