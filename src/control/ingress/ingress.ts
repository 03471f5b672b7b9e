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
import { OAUTH_REVOKE_PATH, registerOauthRevoke, type TokenRevocation } from "./oauth-revoke.ts";

export interface Ingress {
  /** RFC 7009; undefined: closed. */
  readonly oauthRevoke: TokenRevocation | undefined;
  /** OpenID Connect Back-Channel Logout; undefined: closed. */
  readonly backchannelLogout: VerifyStatement<LogoutToken> | undefined;
}

/** Paths that are open, by what is configured; POST is all that any of them takes. */
export function ingressPaths({ oauthRevoke, backchannelLogout }: Ingress): readonly string[] {
  return [
    ...(oauthRevoke === undefined ? [] : [OAUTH_REVOKE_PATH]),
    ...(backchannelLogout === undefined ? [] : [BACKCHANNEL_LOGOUT_PATH]),
  ];
}

export function registerIngress(app: FastifyInstance, room: Room, gate: Gate, ingress: Ingress): void {
  const { oauthRevoke, backchannelLogout } = ingress;
  for (const path of ingressPaths(ingress)) refuseOtherMethods(app, gate, path, ["POST"]);
  app.register(async (forms) => {
    acceptFormsOnly(forms);
    if (oauthRevoke !== undefined) registerOauthRevoke(forms, { room, gate, ...oauthRevoke });
    if (backchannelLogout !== undefined) registerBackchannelLogout(forms, { room, gate, verify: backchannelLogout });
  });
}

function acceptFormsOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "buffer" },
    (_request: FastifyRequest, body, done) => done(null, parseFormBody(body as Buffer)),
  );
}
