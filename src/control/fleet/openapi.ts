// What the OpenAPI document says of the fleet.

import type { JsonSchema } from "../json-schema.ts";
import { answer, problems } from "../openapi-parts.ts";
import { QUESTIONS } from "../preview/fleet-json.ts";
import { FLEET, SIDECAR_REPORT } from "./fleet-schemas.ts";
import { SUMMARY } from "./summary.ts";

const SHOW_FLEET = {
  operationId: "fleet",
  summary: "List the sidecars that report here, as each last said of itself",
  description: "Needs portcullis:read. A silent one leaves after 10 s.",
  responses: { "200": answer("All of them", FLEET), ...problems(401, 403, 429, 503) },
};

const SHOW_SUMMARY = {
  operationId: "fleetSummary",
  summary: "Tell what the fleet decides a second, how long it takes, and who fails open",
  description: "Needs portcullis:read. Rates come with the second call: they are of what happened between.",
  responses: { "200": answer("All sidecars together, and each", SUMMARY), ...problems(401, 403, 429, 503) },
};

const REPORT = {
  operationId: "report",
  summary: "Report of oneself, as a sidecar",
  description: "Needs portcullis:sidecar.",
  requestBody: { required: true, content: { "application/json": { schema: SIDECAR_REPORT } } },
  responses: {
    "200": answer("Kept; and asked", QUESTIONS),
    "204": { description: "Kept" },
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
};

/** By path. */
export const FLEET_CALLS: Readonly<Record<string, JsonSchema>> = {
  "/v1/fleet": { get: SHOW_FLEET },
  "/v1/fleet/summary": { get: SHOW_SUMMARY },
  "/v1/fleet/reports": { post: REPORT },
};
