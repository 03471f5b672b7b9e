// The shapes of the control API as JSON Schema. What validates requests is what /openapi.json shows: one object,
// so that document and behaviour cannot differ. What a schema cannot say is in new-revocation.

import { UNKNOWN_CAUSES } from "../core/evidence.ts";
import { TARGET_KINDS } from "../core/target.ts";
import { FLEET_RECEIPT } from "./fleet/fleet-schemas.ts";
import { IDEMPOTENCY_KEY } from "./idempotency.ts";
import { END_OF_TIME_MS, MAX_REASON_LENGTH } from "./new-revocation.ts";
import type { JsonSchema } from "./json-schema.ts";

const KIND: JsonSchema = { type: "string", enum: TARGET_KINDS, description: "What is revoked." };
const ISSUER: JsonSchema = {
  type: "string",
  minLength: 1,
  description:
    "The issuer's short id, or its tokens' iss. May be left out where only one is configured; `everything` has none.",
};
const ID: JsonSchema = {
  type: "string",
  minLength: 1,
  description: "The jti, sid, sub, tenant, client id or kid. `issuer` and `everything` have none.",
};
export const AT: JsonSchema = { type: "integer", description: "Epoch milliseconds." };
export const ISSUED_BEFORE: JsonSchema = {
  type: "integer",
  minimum: 0,
  maximum: END_OF_TIME_MS / 1_000,
  description: "Epoch seconds: tokens issued before are revoked.",
};
const EXPIRES_AT: JsonSchema = {
  type: ["integer", "null"],
  description: "Epoch milliseconds; null: stands until lifted.",
};

export const TARGET: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["kind"],
  properties: { kind: KIND, issuer: ISSUER, id: ID },
};

const REASON: JsonSchema = {
  type: "string",
  minLength: 1,
  maxLength: MAX_REASON_LENGTH,
  description: "Why, for those who ask later. No control characters or line breaks.",
};

/** What a revocation may be asked with. */
export const REVOCATION_MEMBERS: Readonly<Record<string, JsonSchema>> = {
  target: TARGET,
  reason: REASON,
  issuedBefore: {
    ...ISSUED_BEFORE,
    description:
      "Epoch seconds, of user, tenant, client, issuer and everything: tokens issued before are revoked. " +
      "Default: the next full second. At most 5 minutes ahead. A standing later one is kept.",
  },
  expiresAt: {
    type: "integer",
    maximum: END_OF_TIME_MS,
    description:
      "Epoch milliseconds: keep it at least until then. It never ends sooner than the last token it revokes may " +
      "live, and never by itself for a key; the answer says when.",
  },
  wait: {
    type: "string",
    enum: ["stored", "replicated", "fleet"],
    default: "stored",
    description:
      "What to wait for before answering: `replicated` waits half a second at most for a replica, and the receipt " +
      "says whether one has it; `fleet` waits 2 s at most until every live sidecar heeds it, and the receipt names the others.",
  },
};

export const NEW_REVOCATION: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["target", "reason"],
  properties: REVOCATION_MEMBERS,
};

/** Of a lift; it may have none. */
export const LIFT_BODY: JsonSchema = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { reason: { ...REASON, description: "Why, for the audit trail; the revocation's own where left out." } },
};

/** Of an approval or a withdrawal. */
export const DECISION_BODY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["reason"],
  properties: { reason: { ...REASON, description: "Why, for the audit trail." } },
};

export const REVOKE_HEADERS: JsonSchema = {
  type: "object",
  properties: {
    "idempotency-key": {
      type: "string",
      pattern: IDEMPOTENCY_KEY,
      description: "Makes the request safe to repeat: for a day the same key gets the same answer.",
    },
  },
};

const REVOCATION_PROPERTIES = {
  id: { type: "string", description: "Of this revocation: what lifts it." },
  seq: {
    type: "integer",
    description: "Grows with each revocation, with gaps; absent where another program wrote it.",
  },
  at: AT,
  target: TARGET,
  issued_before: ISSUED_BEFORE,
  expires_at: EXPIRES_AT,
} as const;

export const REVOCATION: JsonSchema = {
  type: "object",
  additionalProperties: false,
  description: "at, by and reason are absent where another program wrote the marker without them.",
  required: ["id", "target", "expires_at"],
  properties: {
    ...REVOCATION_PROPERTIES,
    reason: { type: "string" },
    by: { type: "string", description: "Who revoked." },
  },
};

export const ACKNOWLEDGED: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "at", "target", "expires_at", "receipt"],
  properties: {
    ...REVOCATION_PROPERTIES,
    receipt: {
      type: "object",
      additionalProperties: false,
      required: ["durability"],
      properties: { durability: { type: "string", enum: ["stored", "replicated"] }, fleet: FLEET_RECEIPT },
    },
  },
};

/** What waits for a second person. */
export const PENDING: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["status", "id", "at", "by", "expires_at", "target", "reason"],
  properties: {
    status: { type: "string", enum: ["pending"] },
    id: { type: "string", description: "What approves or withdraws it. The revocation gets an id of its own." },
    at: AT,
    by: { type: "string", description: "Who asked for it, and so cannot approve it." },
    expires_at: { type: "integer", description: "Epoch milliseconds: it is gone then." },
    target: TARGET,
    reason: { type: "string" },
  },
};

export const PENDING_LIST: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["items"],
  properties: { items: { type: "array", items: PENDING } },
};

/** One line of the answer to a batch. */
export const BATCH_ANSWER: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["line"],
  oneOf: [{ required: ["id", "seq"] }, { required: ["id", "status"] }, { required: ["error"] }],
  properties: {
    ...(PENDING["properties"] as object),
    line: { type: "integer", minimum: 1, description: "Of the request." },
    id: REVOCATION_PROPERTIES.id,
    seq: REVOCATION_PROPERTIES.seq,
    error: { type: "object", description: "Problem details (RFC 9457): what the single call would have answered." },
  },
};

export const REVOCATION_PAGE: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["items"],
  properties: {
    items: { type: "array", items: REVOCATION },
    cursor: { type: "string", description: "Asks for the next page; absent on the last one." },
  },
};

/** Of every list that comes in pages. */
export const PAGING = {
  // Query parameters arrive as text and are taken as they are, so this is text too.
  limit: { type: "string", pattern: "^([1-9][0-9]{0,2}|1000)$", default: "100", description: "1 … 1000." },
  cursor: {
    type: "string",
    minLength: 1,
    maxLength: 8_192,
    description: "From the page before; any other is refused.",
  },
} as const;

export const LIST_QUERY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  properties: { kind: KIND, issuer: { ...ISSUER, description: "The issuer's short id." }, id: ID, ...PAGING },
};

export const CHECK_QUERY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["kind"],
  properties: { kind: KIND, issuer: ISSUER, id: ID },
};

export const CHECK_ANSWER: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["revoked"],
  properties: {
    revoked: { type: "boolean" },
    id: { ...REVOCATION_PROPERTIES.id, description: "Of the revocation, where its value carries one." },
    since: { ...AT, description: "Epoch milliseconds of the revocation, where known." },
    issued_before: ISSUED_BEFORE,
    by: { type: "string", description: "Who revoked, where known." },
    reason: { type: "string", description: "Why, where known." },
  },
};

export const PROBLEM: JsonSchema = {
  type: "object",
  required: ["type", "title", "status", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "Closed; the last part of `type`." },
    detail: { type: "string" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "detail"],
        properties: { pointer: { type: "string" }, detail: { type: "string" } },
      },
    },
    cause: { type: "string", enum: UNKNOWN_CAUSES, description: "Of a look-up: why the store did not answer." },
  },
};
