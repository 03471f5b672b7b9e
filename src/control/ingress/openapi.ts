// What the OpenAPI document says of the ways in for others' standards. Their own documents say the rest.

import type { JsonSchema } from "../json-schema.ts";
import { answer, problems } from "../openapi-parts.ts";
import { BACKCHANNEL_LOGOUT_PATH } from "./backchannel-logout.ts";
import { GLOBAL_REVOCATION, GLOBAL_REVOCATION_PATH } from "./global-revocation.ts";
import { OAUTH_REVOKE_PATH } from "./oauth-revoke.ts";
import { SECURITY_EVENTS_PATH } from "./security-events.ts";

const OAUTH_ERROR: JsonSchema = {
  type: "object",
  required: ["error"],
  properties: { error: { type: "string" }, error_description: { type: "string" } },
};

const OAUTH_REVOKE = {
  operationId: "oauthRevoke",
  summary: "Revoke a token one holds (RFC 7009)",
  description:
    "A token that verifies is its own authority; a client_id, if sent, must be its own. A bearer with " +
    "portcullis:revoke may revoke any. 200 also where there is nothing to revoke.",
  security: [{}, { bearer: [] }],
  requestBody: {
    required: true,
    content: {
      "application/x-www-form-urlencoded": {
        schema: {
          type: "object",
          required: ["token"],
          properties: {
            token: { type: "string", minLength: 1 },
            token_type_hint: { type: "string", description: "Not heeded." },
            client_id: { type: "string", description: "Must be the token's own." },
          },
        },
      },
    },
  },
  responses: {
    "200": { description: "It is revoked, or there was nothing to revoke" },
    ...problems(401, 403, 413, 415, 429, 503),
    "400": answer("It is refused", OAUTH_ERROR),
  },
};

const BACKCHANNEL_LOGOUT = {
  operationId: "backchannelLogout",
  summary: "End a session, or all of a user's, on their issuer's word (OpenID Connect Back-Channel Logout 1.0)",
  description: "For logout tokens of a configured issuer for a configured audience. 200 means durable in the store.",
  security: [],
  requestBody: {
    required: true,
    content: {
      "application/x-www-form-urlencoded": {
        schema: {
          type: "object",
          required: ["logout_token"],
          properties: { logout_token: { type: "string", minLength: 1 } },
        },
      },
    },
  },
  responses: {
    "200": { description: "It is revoked" },
    ...problems(413, 415, 429, 503),
    "400": answer("The logout token is refused", OAUTH_ERROR),
  },
};

const SECURITY_EVENTS = {
  operationId: "securityEvents",
  summary: "Push a security event (RFC 8935, Shared Signals)",
  description:
    "For event tokens of a configured transmitter for a configured audience. 202 means that what they ask for is " +
    "durable in the store, or that they ask for nothing.",
  security: [],
  requestBody: { required: true, content: { "application/secevent+jwt": { schema: { type: "string" } } } },
  responses: {
    "202": { description: "It is revoked, or there was nothing to revoke" },
    ...problems(413, 415, 429, 503),
    "400": answer("The event token is refused (RFC 8935 §2.3)", {
      type: "object",
      required: ["err", "description"],
      properties: { err: { type: "string" }, description: { type: "string" } },
    }),
  },
};

const GLOBAL_TOKEN_REVOCATION = {
  operationId: "globalTokenRevocation",
  summary: "Revoke all that a user has begun, by a subject identifier (RFC 9493)",
  description: "Needs portcullis:revoke.",
  requestBody: { required: true, content: { "application/json": { schema: GLOBAL_REVOCATION } } },
  responses: { "204": { description: "It is revoked" }, ...problems(400, 401, 403, 413, 415, 422, 429, 503) },
};

/** The one call of each path: POST. */
export const INGRESS_CALLS: Readonly<Record<string, JsonSchema>> = {
  [OAUTH_REVOKE_PATH]: OAUTH_REVOKE,
  [BACKCHANNEL_LOGOUT_PATH]: BACKCHANNEL_LOGOUT,
  [SECURITY_EVENTS_PATH]: SECURITY_EVENTS,
  [GLOBAL_REVOCATION_PATH]: GLOBAL_TOKEN_REVOCATION,
};
