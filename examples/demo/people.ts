// The demo's people, and logging in as one of them: as the client `walk`, which holds its tokens in its hand.
import type { Configuration } from "openid-client";
import { createBrowser } from "../../test/support/browser.ts";
import { logInAt, type Login } from "../../test/support/oidc-login.ts";
import type { NewAccount } from "../identity-service/accounts.ts";
import type { Stage } from "./stage.ts";

export const SCOPES: readonly string[] = ["orders:read", "orders:write", "admin"];

/** All that one may do by the control API. */
export const DASHBOARD_SCOPE = "portcullis:admin";

export type Name = "alice" | "bob" | "root";

/** Invented people with public passwords: never for anything but the demo. */
export const PEOPLE: Readonly<Record<Name, Pick<NewAccount, "password" | "scopes">>> = {
  alice: { password: "wonderland", scopes: ["orders:read", "orders:write"] },
  bob: { password: "the-builder", scopes: ["orders:read"] },
  root: { password: "toor-toor", scopes: [...SCOPES, DASHBOARD_SCOPE] },
};

export function accounts(): readonly NewAccount[] {
  return Object.entries(PEOPLE).map(([username, { password, scopes }]) => ({
    username,
    password,
    scopes,
    sub: username,
    tenant: "acme",
  }));
}

/** In a new browser: a session of its own. */
export async function logIn(
  { walkClient, identity }: Stage,
  username: Name,
  client: Configuration = walkClient,
): Promise<Login> {
  const { password } = PEOPLE[username];
  return logInAt(client, createBrowser(identity.issuer), { username, password }, `openid ${SCOPES.join(" ")}`);
}

/** The access token of a fresh log-in. */
export async function tokenOf(stage: Stage, username: Name): Promise<string> {
  return (await logIn(stage, username)).tokens.accessToken;
}
