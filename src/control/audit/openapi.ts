// What the OpenAPI document says of the audit trail.

import type { JsonSchema } from "../json-schema.ts";
import { answer, parametersOf, problems } from "../openapi-parts.ts";
import { AUDIT_PAGE, AUDIT_QUERY, AUDIT_VERDICT } from "./schemas.ts";

const AUDIT = {
  operationId: "audit",
  summary: "Who did what, newest first",
  description: "Needs portcullis:read. Of all control planes on the store.",
  parameters: parametersOf(AUDIT_QUERY, "query"),
  responses: { "200": answer("A page", AUDIT_PAGE), ...problems(400, 401, 403, 422, 429, 503) },
};

const AUDIT_VERIFY = {
  operationId: "verifyAudit",
  summary: "Walk the chains of the audit trail",
  description: "Needs portcullis:read.",
  responses: { "200": answer("What fits and what does not", AUDIT_VERDICT), ...problems(401, 403, 429, 503) },
};

/** By path. */
export const AUDIT_CALLS: Readonly<Record<string, JsonSchema>> = {
  "/v1/audit": { get: AUDIT },
  "/v1/audit/verify": { get: AUDIT_VERIFY },
};
