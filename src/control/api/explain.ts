// Tells what a request would be answered, step by step. It judges nothing itself and keeps nothing of what it is given.

import type { FastifyInstance } from "fastify";
import type { JsonSchema } from "../json-schema.ts";

/** As EXPLAIN_REQUEST has it. */
export interface ExplainAsked {
  readonly method: string;
  readonly path: string;
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

/** Resolves with what EXPLANATION describes. */
export type Explain = (asked: ExplainAsked) => Promise<object>;

export const EXPLAIN_PATH = "/v1/explain";

const MAX_HEADERS = 64;

export const EXPLAIN_REQUEST: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["method", "path"],
  properties: {
    method: { type: "string", minLength: 1, maxLength: 64 },
    path: { type: "string", minLength: 1, maxLength: 8_192, description: "As a client would send it, query and all." },
    headers: {
      type: "array",
      maxItems: MAX_HEADERS,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "value"],
        properties: {
          name: { type: "string", minLength: 1, maxLength: 256 },
          value: { type: "string", maxLength: 32_768 },
        },
      },
      description: "Among them host and authorization, where a client would send them.",
    },
  },
};

export const EXPLANATION: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["steps", "verdict"],
  properties: {
    steps: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["step", "result"],
        properties: { step: { type: "string" }, result: { type: "string" } },
      },
    },
    verdict: {
      type: "object",
      additionalProperties: false,
      required: ["decision", "reason", "http_status"],
      properties: {
        decision: { type: "string", enum: ["allow", "deny"] },
        reason: { type: "string" },
        assurance: { type: "string" },
        http_status: { type: "integer" },
      },
    },
  },
};

export function registerExplain(app: FastifyInstance, explain: Explain): void {
  app.post<{ Body: ExplainAsked }>(
    EXPLAIN_PATH,
    { schema: { body: EXPLAIN_REQUEST }, config: { scope: "portcullis:read" } },
    async (request, reply) => reply.send(await explain(request.body)),
  );
}
