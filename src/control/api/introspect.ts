// The route of token introspection (RFC 7662). The token comes in the body of a POST alone: what stands in a URL stands
// in somebody's log.

import type { FastifyInstance } from "fastify";
import { parseFormBody } from "../form-body.ts";
import type { Introspect } from "../introspection.ts";
import { INTROSPECTION_QUERY } from "../introspection-schemas.ts";
import { sendProblem } from "./room.ts";

type Form = ReadonlyMap<string, string>;

export function registerIntrospect(app: FastifyInstance, introspect: Introspect): void {
  // In a scope of its own: a form is taken here and nowhere else, and nothing else here.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "buffer" }, (_request, body, done) => {
      const form = parseFormBody(body as Buffer);
      if (form.ok) done(null, form.value);
      else done(Object.assign(new Error(form.error), { statusCode: 400 }), undefined);
    });
    scope.post<{ Body: Form | undefined }>(
      "/v1/introspect",
      { schema: { querystring: INTROSPECTION_QUERY }, config: { scope: "portcullis:read" } },
      async (request, reply) => {
        if (request.body === undefined) return sendProblem(reply, { code: "unsupported_media_type" });
        // Empty is as good as absent (RFC 6749 §3.1). A hint may be wrong, so there is nothing to learn from it.
        const token = request.body.get("token") ?? "";
        if (token === "") return sendProblem(reply, { code: "malformed_request", detail: "The form has no token." });
        const answer = await introspect(token);
        return answer.ok ? reply.send(answer.value) : sendProblem(reply, answer.error);
      },
    );
  });
}
