// Revokes one token for whoever holds it (RFC 7009), or for a caller who may revoke any. It answers 200 only when the
// marker is durable or there was nothing to revoke, and says of a token that is not good nothing but that.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Result } from "../../core/result.ts";
import type { RevocationSubject } from "../../revocation/subject.ts";
import { parseCompactJws } from "../../token/compact-jws.ts";
import type { VerifyFailure } from "../../token/verification.ts";
import type { VerifiedToken } from "../../token/verified-token.ts";
import type { Verifier } from "../../token/verifier.ts";
import type { Caller } from "../access.ts";
import { CALLER, lackOf, sendProblem, type Room } from "../api/room.ts";
import type { Gate } from "../gate.ts";
import type { Asked as Revoking } from "../asked.ts";
import { revoke } from "../revoke.ts";
import { CANNOT_TELL, isUntold, sendOauthError } from "./answers.ts";
import { clientIdOf } from "./client-id.ts";

export const OAUTH_REVOKE_PATH = "/oauth/revoke";

export interface TokenRevocation {
  /** Of every issuer, for its own audiences. */
  readonly verifier: Verifier<RevocationSubject>;
  /** Short ids of the issuers by their names. */
  readonly issuerIds: ReadonlyMap<string, string>;
  readonly maxTokenBytes: number;
  /** Of verifying. */
  readonly timeoutMs: number;
}

interface Parts extends TokenRevocation {
  readonly room: Room;
  readonly gate: Gate;
}

type Form = Result<ReadonlyMap<string, string>, string>;

const REASON = "OAuth token revocation (RFC 7009)";

export function registerOauthRevoke(app: FastifyInstance, parts: Parts): void {
  app.register(async (scope) => {
    scope.decorateRequest(CALLER);
    scope.post<{ Body: Form | undefined }>(
      OAUTH_REVOKE_PATH,
      { onRequest: (request, reply) => admit(parts, request, reply) },
      async (request, reply) => {
        const form = request.body;
        if (form === undefined) return sendProblem(reply, { code: "unsupported_media_type" });
        if (!form.ok) return sendOauthError(reply, "invalid_request", form.error);
        const clientId = clientIdOf(request.raw, form.value);
        if (!clientId.ok) return sendOauthError(reply, "invalid_request", clientId.error);
        // A hint may be wrong, and only speeds up a search (RFC 7009 §2.1): here nothing is searched for.
        const token = form.value.get("token") ?? "";
        if (token === "") return sendOauthError(reply, "invalid_request", "The form has no token.");
        const caller = request.getDecorator<Caller | undefined>(CALLER);
        return answer(parts, { token, clientId: clientId.value, caller }, reply);
      },
    );
  });
}

/** Before the body is read: a bearer must be good for it; everyone else pays from his address's allowance. */
async function admit(
  { gate, room }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const credentials = request.raw.headersDistinct["authorization"] ?? [];
  const [only] = credentials;
  if (only === undefined || (credentials.length === 1 && /^basic /i.test(only))) {
    const limited = gate.chargeStranger(request.raw);
    return limited === undefined ? undefined : sendProblem(reply, limited);
  }
  const caller = await gate.enter(request.raw);
  if (!caller.ok) return sendProblem(reply, caller.error);
  const lack = lackOf("portcullis:revoke", caller.value);
  if (lack !== undefined) {
    room.audit.refused({ actor: caller.value.name, action: "access_refused", target: undefined, reason: lack.code });
    return sendProblem(reply, lack);
  }
  request.setDecorator(CALLER, caller.value);
  return undefined;
}

interface Asked {
  readonly token: string;
  /** As the client calls itself; undefined: it does not. */
  readonly clientId: string | undefined;
  /** Who may revoke any; undefined: the token is its own authority. */
  readonly caller: Caller | undefined;
}

async function answer(parts: Parts, asked: Asked, reply: FastifyReply): Promise<FastifyReply> {
  const verified = await verify(parts, asked.token);
  if (verified.ok) {
    const { client } = verified.value.principal;
    const isOthers = asked.clientId !== undefined && client !== asked.clientId;
    // RFC 7009 §2.1: refused, and the client is told.
    if (isOthers) return sendOauthError(reply, "invalid_grant", "The token was issued to another client.");
    const meant = meantByVerified(verified.value);
    if (asked.caller !== undefined) return revokeOne(parts.room, asCaller(asked.caller), meant, reply);
    return revokeOne(parts.room, { caller: holderOf(verified.value) }, meant, reply);
  }
  const meant = asked.caller === undefined ? undefined : meantByUnverified(parts, asked.token);
  if (asked.caller !== undefined && meant !== undefined)
    return revokeOne(parts.room, asCaller(asked.caller), meant, reply);
  // One that is not good yet will be: it can be revoked then.
  const mayBecomeGood = isUntold(verified.error) || verified.error.reason === "not_yet_valid";
  // RFC 7009 §2.2: of a token that is not good there is nothing left to revoke.
  return mayBecomeGood ? sendProblem(reply, CANNOT_TELL) : done(reply);
}

/** In whose name, and whether a second person must agree. */
type Authority = Pick<Revoking, "caller" | "alone">;

function asCaller(caller: Caller): Authority {
  return { caller, alone: "refused" };
}

async function revokeOne(room: Room, authority: Authority, meant: Meant, reply: FastifyReply): Promise<FastifyReply> {
  const { issuer, id, expiresAtMs } = meant;
  if (id === undefined) {
    return sendOauthError(reply, "unsupported_token_type", "A token without jti cannot be revoked by itself.");
  }
  const revoked = await revoke(room, {
    ...authority,
    body: { target: { kind: "token", issuer, id }, reason: REASON },
    tokenExpiresAtMs: expiresAtMs,
    once: undefined,
    answer: () => "",
  });
  if (revoked.ok) return done(reply);
  if (revoked.error.code !== "invalid_request") return sendProblem(reply, revoked.error);
  return sendOauthError(reply, "unsupported_token_type", "The token's jti is none that can be revoked by.");
}

function done(reply: FastifyReply): FastifyReply {
  return reply.code(200).send();
}

function verify(
  { room, timeoutMs, verifier }: Parts,
  token: string,
): Promise<Result<VerifiedToken<RevocationSubject>, VerifyFailure>> {
  const now = room.clock.now();
  return new Promise((resolve) =>
    verifier.verify(Buffer.from(token), now, now.monotonicMs + timeoutMs, undefined, resolve),
  );
}

/** Of its own kind, so that lifting what a token's holder revoked is never "one's own" for a caller of the API. */
function holderOf({ principal: { issuerId, subject } }: VerifiedToken<RevocationSubject>): Caller {
  const name = subject === undefined ? `oauth:${issuerId}` : `oauth:${issuerId}/${encodeURIComponent(subject)}`;
  return { name, scopes: ["portcullis:revoke"] };
}

/** The one token that is meant. */
interface Meant {
  readonly issuer: string;
  readonly id: string | undefined;
  /** Undefined where nobody verified it. */
  readonly expiresAtMs: number | undefined;
}

function meantByVerified({ principal }: VerifiedToken<RevocationSubject>): Meant {
  return { issuer: principal.issuerId, id: principal.tokenId, expiresAtMs: principal.expiresAtS * 1_000 };
}

/** For a caller who may revoke any jti, a token names the one it has; its exp proves nothing, so none is taken from it. */
function meantByUnverified({ issuerIds, maxTokenBytes }: Parts, token: string): Meant | undefined {
  const parsed = parseCompactJws(Buffer.from(token), maxTokenBytes);
  if (!parsed.ok) return undefined;
  const { iss, jti } = parsed.value.claims;
  const issuer = typeof iss === "string" ? issuerIds.get(iss) : undefined;
  if (issuer === undefined || typeof jti !== "string" || jti === "") return undefined;
  return { issuer, id: jti, expiresAtMs: undefined };
}
