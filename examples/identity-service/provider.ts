// The configuration of oidc-provider: which flows there are, what a token says, how a log-in is judged and who gets a
// refresh token. One provider is made for each state of the key ring; all that lasts is in the store.
import { createHash } from "node:crypto";
import {
  errors,
  interactionPolicy,
  Provider,
  type AccessToken,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from "oidc-provider";
import type { Accounts } from "./accounts.ts";
import { createAdapter } from "./adapter.ts";
import { grantFor, resourceIndicators, type Apis } from "./apis.ts";
import { allClients } from "./clients.ts";
import { contextOfPage } from "./http.ts";
import type { SigningKeys } from "./key-ring.ts";
import { logoutPage, messagePage, signedOutPage } from "./pages/pages.ts";
import { useRefreshToken, type RefreshParts } from "./refresh-token.ts";

export interface ProviderParts extends RefreshParts {
  readonly issuer: string;
  readonly clients: readonly ClientMetadata[];
  readonly apis: Apis;
  readonly accessTokenTtlS: number;
  readonly sessionTtlS: number;
  /** Sign the cookies; the first one does, the others are still believed. */
  readonly cookieKeys: readonly string[];
  readonly trustedProxies: number;
  /** In which a trusted proxy tells a browser's country; undefined: none does. */
  readonly countryHeader: string | undefined;
  readonly accounts: Accounts;
}

const CODE_TTL_S = 60;
const INTERACTION_TTL_S = 15 * 60;
const ID_TOKEN_TTL_S = 10 * 60;

export function createProvider(parts: ProviderParts, keys: SigningKeys): Provider {
  const provider = new Provider(parts.issuer, configurationOf(parts, keys));
  provider.proxy = parts.trustedProxies > 0;
  provider.maxIpsCount = parts.trustedProxies;
  return provider;
}

function configurationOf(parts: ProviderParts, keys: SigningKeys): Configuration {
  const { issuer, sessions, accounts, accessTokenTtlS, sessionTtlS } = parts;
  const isSecure = issuer.startsWith("https:");
  const cookie = { httpOnly: true, sameSite: "lax", secure: isSecure, signed: true } as const;
  const prefix = isSecure ? "__Host-" : "";
  return {
    adapter: (model: string) => createAdapter(model, parts),
    jwks: { keys: [...keys.keys] },
    clients: allClients(parts.clients, issuer),
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    extraClientMetadata: { properties: ["api", "access_token_format", "introspect", "device_context"] },
    responseTypes: ["code", "none"],
    scopes: ["openid"],
    claims: { openid: ["sub", "sid"] },
    pkce: { required: () => true },
    cookies: {
      keys: [...parts.cookieKeys],
      names: { session: `${prefix}session`, interaction: "interaction", resume: "resume" },
      long: cookie,
      short: cookie,
    },
    ttl: {
      AccessToken: accessTokenTtlS,
      AuthorizationCode: CODE_TTL_S,
      IdToken: ID_TOKEN_TTL_S,
      Interaction: INTERACTION_TTL_S,
      Session: sessionTtlS,
      Grant: sessionTtlS,
      RefreshToken: sessionTtlS,
    },
    findAccount: async (_ctx, sub) => {
      const account = await accounts.bySub(sub);
      if (account === undefined || account.disabled) return undefined;
      return { accountId: sub, claims: () => ({ sub }), account };
    },
    loadExistingGrant: (ctx) => grantFor(ctx, parts.apis),
    expiresWithSession: () => true,
    // Only who can keep it: a browser's own code gets none, and asks again with `prompt=none`.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token") && client.clientAuthMethod !== "none",
    rotateRefreshToken: (ctx) => useRefreshToken(ctx, parts),
    async extraTokenClaims(_ctx, token) {
      if (!("sessionUid" in token) || token.sessionUid === undefined) return undefined;
      const { sessionUid: sid, grantId, accountId } = token;
      if (!(await sessions.noteToken({ jti: publicJti(token), sid, grantId })))
        throw new errors.InvalidGrant("the session has ended");
      return { sid, tenant: (await accounts.bySub(accountId))?.tenant };
    },
    interactions: { policy: policyOf(parts), url: (_ctx, { uid }) => `/interaction/${uid}` },
    // Where they lead is written in our own configuration, so an address of our own network may be meant.
    fetch(url, options: RequestInit & { dispatcher?: unknown } = {}) {
      const { dispatcher: _, ...rest } = options;
      return fetch(url, rest);
    },
    renderError(ctx, { error, error_description: description }) {
      ctx.type = "html";
      ctx.body = messagePage("That did not work", `${description ?? "Please begin again."} (${error})`);
    },
    features: featuresOf(parts, keys),
  };
}

function featuresOf(parts: ProviderParts, keys: SigningKeys): Configuration["features"] {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    dPoP: { enabled: true },
    // Never of a refresh token: who asks is a guard, and would let it in.
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => client["introspect"] === true && token.kind === "AccessToken",
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource(ctx, form) {
        ctx.body = logoutPage(form);
      },
      postLogoutSuccessSource(ctx) {
        ctx.body = signedOutPage("You have signed out here.", ctx.query["late"] === undefined, parts.accessTokenTtlS);
      },
    },
    resourceIndicators: resourceIndicators(parts, keys),
  };
}

/** By which a token may be spoken of: of an opaque one not its `jti`, for that is the token. */
function publicJti({ jti, resourceServer }: AccessToken): string {
  return resourceServer?.accessTokenFormat === "opaque" ? nameOfOpaque(jti) : jti;
}

function nameOfOpaque(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/** Adds to an introspection answer what a guard revokes by, as JWTs have it. oidc-provider names neither for all clients. */
export function completeIntrospection(ctx: KoaContextWithOIDC): void {
  const token = ctx.oidc.entities.AccessToken;
  const answer = ctx.body as { readonly active?: boolean };
  if (answer.active === true && token !== undefined)
    ctx.body = { ...answer, sid: token.sessionUid, jti: nameOfOpaque(token.jti) };
}

/** Who must see the log-in page: nobody known, a device that is not the session's, and who was told to log in again. */
function policyOf({
  devices,
  countryHeader,
}: Pick<ProviderParts, "devices" | "countryHeader">): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.remove("consent");
  policy.get("login")?.checks.push(
    new interactionPolicy.Check("device", "this browser must be shown to be yours", "login_required", async (ctx) => {
      const { session, result } = ctx.oidc;
      if (session?.accountId === undefined) return false;
      const context = contextOfPage(ctx, countryHeader);
      if (result?.login !== undefined) {
        await devices.bind(session.uid, context);
        return false;
      }
      const { action } = await devices.judgeSession(session.uid, context, "page");
      if (action === "revoke") throw new errors.AccessDenied("this session has been ended");
      return devices.needsLogin(session.uid);
    }),
  );
  return policy;
}
