// The dashboard: its page, and signing in and out. What it shows and does goes through the API like anybody else's calls.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { TARGET_KINDS, type TargetKind } from "../../core/target.ts";
import type { Clock } from "../../core/clock.ts";
import { CONTROL_SCOPES } from "../../core/control-scope.ts";
import type { Result } from "../../core/result.ts";
import type { AccessFault } from "../access.ts";
import { refuseOtherMethods } from "../api/methods.ts";
import { sendProblem, type Room } from "../api/room.ts";
import type { Gate } from "../gate.ts";
import type { Problem } from "../problem.ts";
import { revoke } from "../revoke.ts";
import { cookieOf, dropCookie, SESSION_COOKIE, setCookie, SIGN_IN_COOKIE } from "./cookies.ts";
import type { PageFile } from "./files.ts";
import type { OidcSignIn, SignInFault, SignInUnderWay } from "./oidc.ts";
import type { Seal } from "./seal.ts";
import type { Session, Sessions } from "./sessions.ts";

export interface Dashboard {
  readonly sessions: Sessions;
  readonly seal: Seal;
  /** undefined: nobody signs in that way. */
  readonly oidc: OidcSignIn | undefined;
  /** Whether a person may sign in with a token that he pastes. */
  readonly tokenSignIn: boolean;
  /** None: it has not been built. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** By which a pasted token is told whose it is: `issuer` is its `iss`. */
  readonly issuers: readonly { readonly id: string; readonly issuer: string }[];
  readonly version: string;
}

/** Nothing but our own files, nothing inline, no frame. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/** The name of each file there changes with what is in it. */
const NAMED_BY_CONTENT = "/assets/";
const FOR_EVER = "public, max-age=31536000, immutable";

const SIGN_IN_FOR_S = 600;
const SIGN_IN = "sign-in";

const NOT_BUILT =
  "The dashboard has not been built here. Run `make dashboard` in the checkout, and start this again.\n";

const REFUSED: Problem = { code: "unauthenticated", detail: "The token is not valid here." };
const NOT_ENDED: Problem = {
  code: "unavailable",
  detail:
    "This browser is signed out. Its token could not be revoked, so a copy of the session is good until it expires.",
};
const UNKNOWN_NOW: Problem = {
  code: "unavailable",
  detail: "It cannot be told now whether the session is good.",
  headers: { "retry-after": "1" },
};

export function registerDashboard(app: FastifyInstance, room: Room, gate: Gate, dashboard: Dashboard): void {
  registerFiles(app, gate, dashboard);
  registerSessions(app, room, gate, dashboard);
  registerOidc(app, room, gate, dashboard);
}

function registerFiles(app: FastifyInstance, gate: Gate, { files }: Dashboard): void {
  const page = files.get("/");
  for (const [path, { body, type }] of files) {
    refuseOtherMethods(app, gate, path, ["GET", "HEAD"]);
    app.get(path, (_request, reply) => {
      if (path.startsWith(NAMED_BY_CONTENT)) void reply.header("cache-control", FOR_EVER);
      return reply.header("content-security-policy", PAGE_POLICY).type(type).send(body);
    });
  }
  if (page !== undefined) return;
  app.get("/", (_request, reply) => reply.code(503).type("text/plain; charset=utf-8").send(NOT_BUILT));
}

function registerSessions(app: FastifyInstance, room: Room, gate: Gate, dashboard: Dashboard): void {
  const { sessions } = dashboard;
  const charged = (request: FastifyRequest): Problem | undefined => gate.chargeStranger(request.raw);
  refuseOtherMethods(app, gate, "/dashboard/session", ["GET", "HEAD", "POST", "DELETE"]);
  app.get("/dashboard/session", async (request, reply) => {
    const limited = charged(request);
    if (limited !== undefined) return sendProblem(reply, limited);
    const found = await sessions.of(request.raw);
    if (isUnknown(found)) return sendProblem(reply, UNKNOWN_NOW);
    return reply.send(found?.ok === true ? signedIn(found.value, room, dashboard) : signedOut(dashboard));
  });
  app.post<{ Body: { token: string } }>(
    "/dashboard/session",
    { schema: { body: TOKEN_SIGN_IN } },
    async (request, reply) => {
      const limited = charged(request);
      if (limited !== undefined) return sendProblem(reply, limited);
      if (!dashboard.tokenSignIn) return sendProblem(reply, { code: "not_found", detail: "Nobody signs in that way." });
      const begun = await sessions.begin(request.body.token.trim());
      if (!begun.ok) return sendProblem(reply, problemOf(begun.error));
      const { session, cookie } = begun.value;
      return takeIn(reply, room.clock, session, cookie).send(signedIn(session, room, dashboard));
    },
  );
  app.delete("/dashboard/session", async (request, reply) => {
    const credential = sessions.credentialOf(request.raw);
    if (credential?.ok === false) return sendProblem(reply, credential.error);
    const found = await sessions.of(request.raw);
    void reply.header("set-cookie", dropCookie(SESSION_COOKIE));
    const isOver = found?.ok === true ? await signOut(room, sessions, found.value) : !isUnknown(found);
    return isOver ? reply.code(204).send() : sendProblem(reply, NOT_ENDED);
  });
}

function registerOidc(app: FastifyInstance, { clock }: Room, gate: Gate, { sessions, seal, oidc }: Dashboard): void {
  if (oidc === undefined) return;
  for (const path of ["/dashboard/sign-in", "/dashboard/callback"])
    refuseOtherMethods(app, gate, path, ["GET", "HEAD"]);
  app.get("/dashboard/sign-in", async (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    if (limited !== undefined) return sendProblem(reply, limited);
    const begun = await oidc.begin();
    if (!begun.ok) return sendOn(reply, begun.error);
    const { url, underWay } = begun.value;
    const cookie = setCookie(SIGN_IN_COOKIE, seal.close(SIGN_IN, underWay), "lax", SIGN_IN_FOR_S);
    return reply.header("set-cookie", cookie).redirect(url, 303);
  });
  app.get("/dashboard/callback", async (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    if (limited !== undefined) return sendProblem(reply, limited);
    void reply.header("set-cookie", dropCookie(SIGN_IN_COOKIE));
    const underWay = seal.open(SIGN_IN, cookieOf(request.raw, SIGN_IN_COOKIE) ?? "") as SignInUnderWay | undefined;
    if (underWay === undefined) return sendOn(reply, "refused");
    const token = await oidc.finish(request.url.slice(request.url.indexOf("?")), underWay);
    if (!token.ok) return sendOn(reply, token.error);
    const begun = await sessions.begin(token.value);
    if (!begun.ok) return sendOn(reply, begun.error.cause === "unavailable" ? "store_unavailable" : "token_not_taken");
    const { session, cookie } = begun.value;
    if (!session.caller.scopes.some((scope) => CONTROL_SCOPES.some((known) => known === scope))) {
      return sendOn(reply, "no_scope");
    }
    return sendOn(takeIn(reply, clock, session, cookie), undefined);
  });
}

function takeIn(reply: FastifyReply, clock: Clock, { untilMs }: Session, cookie: string): FastifyReply {
  const forS = (untilMs - clock.now().wallMs) / 1_000;
  return reply.header("set-cookie", setCookie(SESSION_COOKIE, cookie, "strict", forS));
}

/**
 * To the page, by a page of our own: a browser leaves strict cookies out of whatever another site began, redirects
 * included (RFC 6265bis §5.2). `fault` is of a closed list.
 */
function sendOn(
  reply: FastifyReply,
  fault: SignInFault | "store_unavailable" | "token_not_taken" | "no_scope" | undefined,
): FastifyReply {
  const to = fault === undefined ? "/" : `/#/sign-in/${fault}`;
  return reply
    .type("text/html; charset=utf-8")
    .send(
      `<!doctype html><meta http-equiv="refresh" content="0;url=${to}"><title>Portcullis</title><a href="${to}">Go on</a>`,
    );
}

function isUnknown(found: Result<Session, AccessFault> | undefined): boolean {
  return found?.ok === false && found.error.cause === "unavailable";
}

/** The token dies with the session: whoever has it is its own authority (as at /oauth/revoke). False: it could not. */
async function signOut(room: Room, sessions: Sessions, session: Session): Promise<boolean> {
  sessions.end(session);
  const { authority, caller } = session;
  if (authority.kind !== "access" || authority.tokenId === undefined) return true;
  const revoked = await revoke(room, {
    caller: { name: caller.name, scopes: ["portcullis:revoke"] },
    body: {
      target: { kind: "token", issuer: authority.issuerId, id: authority.tokenId },
      reason: "signed out of the dashboard",
    },
    once: undefined,
    answer: () => "",
  });
  return revoked.ok;
}

const TOKEN_SIGN_IN = {
  type: "object",
  additionalProperties: false,
  required: ["token"],
  properties: { token: { type: "string", minLength: 1, maxLength: 32_768 } },
};

function signedIn(session: Session, { secondPerson }: Room, { issuers, version }: Dashboard): object {
  const { caller, csrf, untilMs } = session;
  return {
    signed_in: true,
    name: caller.name,
    scopes: caller.scopes,
    csrf,
    until: untilMs,
    issuers: issuers.map(({ id, issuer }) => ({ id, issuer })),
    kinds: TARGET_KINDS satisfies readonly TargetKind[],
    second_person: secondPerson,
    version,
  };
}

function signedOut({ oidc, tokenSignIn }: Dashboard): object {
  return { signed_in: false, by_provider: oidc !== undefined, by_token: tokenSignIn };
}

function problemOf({ cause }: AccessFault): Problem {
  return cause === "unavailable" ? UNKNOWN_NOW : REFUSED;
}
