// The ways in for others' standards: which are open, and what all of them share. Each is a file of its own; one that
// is not configured is not there at all.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { refuseOtherMethods } from "../api/methods.ts";
import type { Room } from "../api/room.ts";
import { parseFormBody } from "../form-body.ts";
import type { Gate } from "../gate.ts";
import type { LogoutToken } from "../../token/logout-token.ts";
import type { VerifyStatement } from "../../token/sender.ts";
import { BACKCHANNEL_LOGOUT_PATH, registerBackchannelLogout } from "./backchannel-logout.ts";
import { GLOBAL_REVOCATION_PATH, registerGlobalRevocation } from "./global-revocation.ts";
import { OAUTH_REVOKE_PATH, registerOauthRevoke, type TokenRevocation } from "./oauth-revoke.ts";
import type { Following } from "./following.ts";
import type { SecurityEvents } from "./security-event.ts";
import { registerSecurityEvents, SECURITY_EVENTS_PATH } from "./security-events.ts";
import type { Directory } from "./subject-identifier.ts";

export interface Ingress {
  /** RFC 7009; undefined: closed. */
  readonly oauthRevoke: TokenRevocation | undefined;
  /** OpenID Connect Back-Channel Logout; undefined: closed. */
  readonly backchannelLogout: VerifyStatement<LogoutToken> | undefined;
  /** RFC 8935; undefined: closed. */
  readonly securityEvents: SecurityEvents | undefined;
  /** Global token revocation, and whom it may name; undefined: closed. */
  readonly globalRevocation: Directory | undefined;
  /** Begun once the server listens, and ended before it stops. */
  readonly followed: readonly Following[];
}

type Way = Exclude<keyof Ingress, "followed">;

/** Paths that are open, by what is configured; POST is all that any of them takes. */
export function ingressPaths(ingress: Ingress): readonly string[] {
  const paths = {
    oauthRevoke: OAUTH_REVOKE_PATH,
    backchannelLogout: BACKCHANNEL_LOGOUT_PATH,
    securityEvents: SECURITY_EVENTS_PATH,
    globalRevocation: GLOBAL_REVOCATION_PATH,
  } satisfies Record<Way, string>;
  return (Object.keys(paths) as Way[]).filter((way) => ingress[way] !== undefined).map((way) => paths[way]);
}

export function registerIngress(app: FastifyInstance, room: Room, gate: Gate, ingress: Ingress): void {
  const { oauthRevoke, backchannelLogout, securityEvents } = ingress;
  for (const path of ingressPaths(ingress)) refuseOtherMethods(app, gate, path, ["POST"]);
  app.register(async (forms) => {
    acceptFormsOnly(forms);
    if (oauthRevoke !== undefined) registerOauthRevoke(forms, { room, gate, ...oauthRevoke });
    if (backchannelLogout !== undefined) registerBackchannelLogout(forms, { room, gate, verify: backchannelLogout });
  });
  app.register(async (pushed) => {
    if (securityEvents !== undefined) registerSecurityEvents(pushed, { room, gate, events: securityEvents });
  });
}

/** Those for callers of the control API; `app` lets in nobody else. */
export function registerGuardedIngress(app: FastifyInstance, room: Room, { globalRevocation }: Ingress): void {
  if (globalRevocation !== undefined) registerGlobalRevocation(app, room, globalRevocation);
}

function acceptFormsOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "buffer" },
    (_request: FastifyRequest, body, done) => done(null, parseFormBody(body as Buffer)),
  );
}
