// What the OpenAPI document says of the ways in for others' standards. Their own documents say the rest.

import type { JsonSchema } from "../json-schema.ts";
import { answer, problems } from "../openapi-parts.ts";
import { BACKCHANNEL_LOGOUT_PATH } from "./backchannel-logout.ts";
import { OAUTH_REVOKE_PATH } from "./oauth-revoke.ts";

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

/** The one call of each path: POST. */
export const INGRESS_CALLS: Readonly<Record<string, JsonSchema>> = {
  [OAUTH_REVOKE_PATH]: OAUTH_REVOKE,
  [BACKCHANNEL_LOGOUT_PATH]: BACKCHANNEL_LOGOUT,
};
