// The OpenAPI document of the control API, built from the very schemas that validate.

import { CONTROL_SCOPES } from "../core/control-scope.ts";
import { AUDIT_CALLS } from "./audit/openapi.ts";
import { EVENT_CALLS } from "./events/openapi.ts";
import { INTROSPECTION, INTROSPECTION_FORM } from "./introspection-schemas.ts";
import { INGRESS_CALLS } from "./ingress/openapi.ts";
import { FLEET_CALLS } from "./fleet/openapi.ts";
import { EXPLAIN_REQUEST, EXPLANATION } from "./api/explain.ts";
import { PREVIEW, PREVIEW_REQUEST } from "./preview/schemas.ts";
import { LOOKED_UP, LOOK_UPS, RELAY_QUERY } from "./relay/relay-schemas.ts";
import { answer, parametersOf, problems } from "./openapi-parts.ts";
import type { JsonSchema } from "./json-schema.ts";
import {
  ACKNOWLEDGED,
  BATCH_ANSWER,
  CHECK_ANSWER,
  CHECK_QUERY,
  DECISION_BODY,
  LIFT_BODY,
  LIST_QUERY,
  NEW_REVOCATION,
  PENDING,
  PENDING_LIST,
  REVOCATION,
  REVOCATION_PAGE,
  REVOKE_HEADERS,
} from "./schemas.ts";

/** OpenAPI 3.1 (its schemas are plain JSON Schema 2020-12). `version` is the product's, `openIngress` its open ways in. */
export function openApiDocument(version: string, openIngress: readonly string[]): JsonSchema {
  return {
    openapi: "3.1.0",
    info: {
      title: "Portcullis control API",
      version,
      description: "Revokes and lifts. Times are epoch milliseconds; issuedBefore and issued_before are epoch seconds.",
    },
    security: [{ bearer: [] }],
    paths: {
      "/v1/revocations": { get: LIST, post: REVOKE },
      "/v1/revocations/batch": { post: BATCH },
      "/v1/revocations/preview": { post: PREVIEW_ONE },
      "/v1/revocations/pending": { get: LIST_PENDING },
      "/v1/revocations/pending/{id}": { parameters: [ID_PARAMETER], delete: WITHDRAW },
      "/v1/revocations/pending/{id}/approve": { parameters: [ID_PARAMETER], post: APPROVE },
      "/v1/revocations/{id}": { parameters: [ID_PARAMETER], get: SHOW, delete: LIFT },
      "/v1/check": { get: CHECK },
      "/v1/introspect": { post: INTROSPECT },
      ...EVENT_CALLS,
      ...AUDIT_CALLS,
      ...FLEET_CALLS,
      "/v1/explain": { post: EXPLAIN },
      "/v1/relay": { get: RELAY },
      "/v1/relay/look-ups": { post: LOOK_UP },
      "/openapi.json": { get: DOCUMENT },
      ...Object.fromEntries(openIngress.map((path) => [path, { post: INGRESS_CALLS[path] }])),
    },
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: `Scopes: ${CONTROL_SCOPES.join(", ")} (admin includes the others).`,
        },
      },
    },
  };
}

const ID_PARAMETER = { name: "id", in: "path", required: true, schema: { type: "string" } };

const REVOKE = {
  operationId: "revoke",
  summary: "Revoke a target",
  description:
    "Needs portcullis:revoke for token, session and user, portcullis:admin for the other kinds. " +
    "A target has one live revocation: a further one only strengthens it and takes a new id. 201 means durable in the store.",
  parameters: parametersOf(REVOKE_HEADERS, "header"),
  requestBody: { required: true, content: { "application/json": { schema: NEW_REVOCATION } } },
  responses: {
    "201": answer("Stored", ACKNOWLEDGED),
    "202": answer("Waits for another admin's approval (control.secondPerson): nothing is revoked yet", PENDING),
    ...problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
  },
};

const BATCH = {
  operationId: "revokeBatch",
  summary: "Revoke many targets, one a line",
  description:
    "Up to 10,000 lines of at most 32 KiB, each a body of the single call and judged as one, its scope included; " +
    "answered in order, a line each, as they are done. Under an Idempotency-Key the same lines get the same answers, " +
    "and from the first line that differs on every line is refused with 422: the whole call, where that is the first.",
  parameters: parametersOf(REVOKE_HEADERS, "header"),
  requestBody: { required: true, content: { "application/x-ndjson": { schema: NEW_REVOCATION } } },
  responses: {
    "200": { description: "Answers, one a line", content: { "application/x-ndjson": { schema: BATCH_ANSWER } } },
    ...problems(400, 401, 403, 413, 415, 422, 429, 503),
  },
};

const PREVIEW_ONE = {
  operationId: "preview",
  summary: "Tell what a revocation would hit, before doing it",
  description:
    "Needs portcullis:revoke. Sidecars that report are asked for the tokens they saw lately; takes up to 3 s, and says " +
    "how many of them answered. Nothing is revoked.",
  requestBody: { required: true, content: { "application/json": { schema: PREVIEW_REQUEST } } },
  responses: { "200": answer("What is known of it", PREVIEW), ...problems(400, 401, 403, 413, 415, 422, 429, 503) },
};

const LIST = {
  operationId: "list",
  summary: "List live revocations, those of other writers included",
  description: "Needs portcullis:read.",
  parameters: parametersOf(LIST_QUERY, "query"),
  responses: { "200": answer("A page", REVOCATION_PAGE), ...problems(400, 401, 403, 422, 429, 503) },
};

const LIST_PENDING = {
  operationId: "listPending",
  summary: "List what waits for a second person, the oldest first",
  description: "Needs portcullis:read.",
  responses: { "200": answer("All of it", PENDING_LIST), ...problems(401, 403, 429, 503) },
};

const DECIDED_BY = { required: true, content: { "application/json": { schema: DECISION_BODY } } };

const APPROVE = {
  operationId: "approve",
  summary: "Approve what another asked for, which revokes it",
  description: "Needs portcullis:admin, and another caller than who asked. Defaults are those of the time of approval.",
  requestBody: DECIDED_BY,
  responses: { "201": answer("Stored", ACKNOWLEDGED), ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503) },
};

const WITHDRAW = {
  operationId: "withdraw",
  summary: "Withdraw what waits",
  description: "Needs portcullis:admin, unless one asked for it oneself.",
  requestBody: DECIDED_BY,
  responses: { "204": { description: "Withdrawn" }, ...problems(400, 401, 403, 404, 413, 415, 422, 429, 503) },
};

const SHOW = {
  operationId: "show",
  summary: "Show one revocation",
  description: "Needs portcullis:read.",
  responses: { "200": answer("The revocation", REVOCATION), ...problems(401, 403, 404, 429, 503) },
};

const LIFT = {
  operationId: "lift",
  summary: "Lift a revocation",
  description: "Needs the scope of its kind, and portcullis:admin unless it is one's own.",
  requestBody: { required: false, content: { "application/json": { schema: LIFT_BODY } } },
  responses: { "204": { description: "Lifted" }, ...problems(401, 403, 404, 409, 429, 503) },
};

const CHECK = {
  operationId: "check",
  summary: "Tell whether one target stands revoked",
  description: "Needs portcullis:read. Reads the target's own key only: a user may be free while the tenant is not.",
  parameters: parametersOf(CHECK_QUERY, "query"),
  responses: { "200": answer("What stands", CHECK_ANSWER), ...problems(400, 401, 403, 422, 429, 503) },
};

const INTROSPECT = {
  operationId: "introspect",
  summary: "Tell whether a token is good now (RFC 7662)",
  description: "Needs portcullis:read. Verified as by a Check, with the store asked each time.",
  requestBody: { required: true, content: { "application/x-www-form-urlencoded": { schema: INTROSPECTION_FORM } } },
  responses: { "200": answer("What is known of it", INTROSPECTION), ...problems(400, 401, 403, 413, 415, 429, 503) },
};

const EXPLAIN = {
  operationId: "explain",
  summary: "Tell what a request would be answered, step by step",
  description: "Needs portcullis:read. By the configuration of this control plane. Nothing of the request is kept.",
  requestBody: { required: true, content: { "application/json": { schema: EXPLAIN_REQUEST } } },
  responses: {
    "200": answer("The steps and the verdict", EXPLANATION),
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
};

const RELAY = {
  operationId: "relay",
  summary: "Follow the feed over a WebSocket, as a sidecar without a connection to the store",
  description:
    "Needs portcullis:sidecar, for as long as it lasts. Between sidecars and control planes of one version: " +
    "what is said over it may be other in the next.",
  parameters: parametersOf(RELAY_QUERY, "query"),
  responses: { "101": { description: "A WebSocket (RFC 6455)" }, ...problems(400, 401, 403, 426, 429, 503) },
};

const LOOK_UP = {
  operationId: "lookUp",
  summary: "Read the markers under some keys from the store now, as a sidecar without a connection to it",
  description: "Needs portcullis:sidecar. Keys that are no marker's are refused.",
  requestBody: { required: true, content: { "application/json": { schema: LOOK_UPS } } },
  responses: { "200": answer("Their values", LOOKED_UP), ...problems(400, 401, 403, 413, 415, 422, 429, 503) },
};

const DOCUMENT = {
  operationId: "document",
  summary: "This document",
  security: [],
  responses: { "200": answer("OpenAPI 3.1", { type: "object" }) },
};
