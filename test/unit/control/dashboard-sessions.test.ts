// What a session of the dashboard stands on: the seal's secret, and what its token may do by now. The way in and out is
// test/integration/dashboard-session.test.ts's.
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { createDashboard } from "../../../src/commands/dashboard.ts";
import { createBootstrapToken } from "../../../src/control/bootstrap-token.ts";
import type { Sessions } from "../../../src/control/dashboard/sessions.ts";

const { token, sha256 } = createBootstrapToken();
const LONG = "a".repeat(32);

/** Of a control plane. */
function sessionsOf(clientSecret: string, scopes: readonly string[]): Sessions {
  const oidc = { issuer: "https://id.example.com", clientId: "d", redirectUrl: "https://a/dashboard/callback" };
  const dashboard = createDashboard(
    { oidc: { ...oidc, clientSecret, scope: "openid", parameters: {} }, tokenSignIn: true },
    { tokens: [{ name: "ops", sha256, scopes }], accessTokens: undefined, issuers: [], version: "0" },
  );
  if (dashboard === undefined) throw new Error("no dashboard");
  return dashboard.sessions;
}

/** Scopes at one control plane of a session that began at another; undefined: there it is none. */
async function scopesAt(there: Sessions, from: Sessions): Promise<readonly string[] | undefined> {
  const begun = await from.begin(token);
  if (!begun.ok) throw new Error(begun.error.cause);
  const headers = { cookie: `__Host-portcullis-session=${begun.value.cookie}` };
  const found = await there.of({ headers } as IncomingMessage);
  return found?.ok === true ? found.value.caller.scopes : undefined;
}

test("a session may what its token may now, not what it might when the session began", async () => {
  const before = sessionsOf(LONG, ["portcullis:admin"]);
  expect(await scopesAt(before, before)).toEqual(["portcullis:admin"]);
  expect(await scopesAt(sessionsOf(LONG, ["portcullis:read"]), before)).toEqual(["portcullis:read"]);
});

// Anybody is given a sealed cookie, and may try secrets on it for as long as he likes.
test("a client secret that could be guessed seals nothing", async () => {
  const scopes = ["portcullis:admin"];
  expect(await scopesAt(sessionsOf(LONG, scopes), sessionsOf(LONG, scopes))).toEqual(scopes);
  const short = LONG.slice(1);
  expect(await scopesAt(sessionsOf(short, scopes), sessionsOf(short, scopes))).toBeUndefined();
});
