// Ends a session, or all of a user's, on the word of their issuer (OpenID Connect Back-Channel Logout 1.0). It never
// acts on a token that is not signed by a configured issuer for a configured audience.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import type { LogoutToken } from "../../token/logout-token.ts";
import type { Sender, VerifyStatement } from "../../token/sender.ts";
import type { Verified } from "../../token/verification.ts";
import { sendProblem, type Room } from "../api/room.ts";
import type { Gate } from "../gate.ts";
import { STORE_CLOCK_MARGIN_MS } from "../new-revocation.ts";
import { statusOf } from "../problem.ts";
import { CANNOT_TELL, isUntold, sendOauthError } from "./answers.ts";
import { revokeOnce } from "./once.ts";

export const BACKCHANNEL_LOGOUT_PATH = "/backchannel-logout";

interface Parts {
  readonly room: Room;
  readonly gate: Gate;
  readonly verify: VerifyStatement<LogoutToken>;
}

type Form = Result<ReadonlyMap<string, string>, string>;

export function registerBackchannelLogout(app: FastifyInstance, parts: Parts): void {
  app.post<{ Body: Form | undefined }>(
    BACKCHANNEL_LOGOUT_PATH,
    {
      onRequest: async (request, reply) => {
        const limited = parts.gate.chargeStranger(request.raw);
        return limited === undefined ? undefined : sendProblem(reply, limited);
      },
    },
    async (request, reply) => {
      const form = request.body;
      if (form === undefined) return sendProblem(reply, { code: "unsupported_media_type" });
      if (!form.ok) return sendOauthError(reply, "invalid_request", form.error);
      const token = form.value.get("logout_token") ?? "";
      if (token === "") return sendOauthError(reply, "invalid_request", "The form has no logout_token.");
      return answer(parts, token, request, reply);
    },
  );
}

async function answer(
  { gate, room, verify }: Parts,
  token: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const verified = await verify(Buffer.from(token));
  if (!verified.ok) {
    const { reason } = verified.error;
    if (isUntold(verified.error)) return sendProblem(reply, CANNOT_TELL);
    room.audit.refused({ actor: "stranger", action: "access_refused", target: undefined, reason });
    return sendOauthError(reply, "invalid_request", `The logout token is not good here: ${reason}.`);
  }
  const { content, signer } = verified.value;
  const by = `logout:${signer.id}`;
  const limited = gate.chargeProved(request.raw, by);
  if (limited !== undefined) return sendProblem(reply, limited);
  const done = await revokeOnce(room, {
    by,
    tokenId: content.tokenId,
    targets: [targetOf(verified.value)],
    reason: "OpenID Connect back-channel logout",
    issuedAtS: content.issuedAtS,
    keepMs: keepMs(content, signer, room.clock.now().wallMs),
  });
  if (done.ok) return reply.code(200).send();
  if (statusOf(done.error) >= 500) return sendProblem(reply, done.error);
  return sendOauthError(reply, "invalid_request", "The logout token's jti, sid or sub cannot be acted on.");
}

/** §2.4, §2.7: a sid means that session, a sub without it all sessions of the user. */
function targetOf({ content: { session, subject }, signer: { revokes } }: Verified<Sender, LogoutToken>): Target {
  return session === undefined
    ? { kind: "user", issuer: revokes, id: subject ?? "" }
    : { kind: "session", issuer: revokes, id: session };
}

/** For as long as the token would be good. */
function keepMs({ expiresAtS }: LogoutToken, { clockSkewMs }: Sender, nowMs: number): number {
  return Math.ceil(expiresAtS * 1_000 - nowMs) + clockSkewMs + STORE_CLOCK_MARGIN_MS;
}
