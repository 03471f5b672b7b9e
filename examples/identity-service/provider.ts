// The configuration of oidc-provider: which flows there are, what a token says, who gets a refresh token and what happens
// when one is used. One provider is made for each state of the key ring; all that lasts is in the store.
import { createHash } from "node:crypto";
import {
  errors,
  interactionPolicy,
  Provider,
  type AccessToken,
  type Client,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from "oidc-provider";
import type { Account, Accounts } from "./accounts.ts";
import { createAdapter, placeOfRefreshToken } from "./adapter.ts";
import type { DeviceWatch } from "./device-watch.ts";
import { contextOfPage, contextToldByClient } from "./http.ts";
import type { SigningKeys } from "./key-ring.ts";
import type { Metrics } from "./metrics.ts";
import { logoutPage, messagePage, signedOutPage } from "./pages/pages.ts";
import type { RefreshLines } from "./refresh-line.ts";
import type { Sessions } from "./sessions.ts";
import type { IdentityStore } from "./store/store.ts";

/** A resource server, or several that share an audience. */
export interface Api {
  /** The `aud` of its access tokens. */
  readonly audience: string;
  /** All scopes there are. */
  readonly scopes: readonly string[];
}

export interface ProviderParts {
  readonly issuer: string;
  readonly clients: readonly ClientMetadata[];
  /** What access tokens may be for; the first, unless a client says another (`api`). */
  readonly apis: readonly [Api, ...Api[]];
  readonly accessTokenTtlS: number;
  readonly sessionTtlS: number;
  /** Sign the cookies; the first one does, the others are still believed. */
  readonly cookieKeys: readonly string[];
  readonly trustedProxies: number;
  readonly store: IdentityStore;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly lines: RefreshLines;
  readonly devices: DeviceWatch;
  readonly metrics: Metrics;
}

/** The client of the account page: it logs in and gets no token. */
const ACCOUNT_CLIENT = "account";

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
    clients: [...parts.clients.map(withDefaults), accountClient(issuer)],
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
    features: {
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
          ctx.body = signedOutPage("You have signed out here.", ctx.query["late"] === undefined, accessTokenTtlS);
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, client) => resourceOf(apiOf(client, parts.apis)),
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, indicator, client) {
          const api = parts.apis.find((candidate) => resourceOf(candidate) === indicator);
          if (api === undefined) throw new errors.InvalidTarget();
          return {
            audience: api.audience,
            scope: api.scopes.join(" "),
            accessTokenTTL: accessTokenTtlS,
            ...(client["access_token_format"] === "opaque"
              ? { accessTokenFormat: "opaque" }
              : { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256", kid: keys.kid } } }),
          };
        },
      },
    },
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

/** Its name where one is asked for by RFC 8707. */
function resourceOf({ audience }: Api): string {
  return `urn:api:${audience}`;
}

function apiOf(client: Client, apis: ProviderParts["apis"]): Api {
  return apis.find(({ audience }) => audience === client["api"]) ?? apis[0];
}

/** All log-ins ask with PKCE for a code; whoever has a secret gets refresh tokens. */
function withDefaults(client: ClientMetadata): ClientMetadata {
  const isPublic = client.token_endpoint_auth_method === "none";
  return {
    grant_types: isPublic ? ["authorization_code"] : ["authorization_code", "refresh_token"],
    backchannel_logout_session_required: client.backchannel_logout_uri !== undefined,
    ...client,
  };
}

function accountClient(issuer: string): ClientMetadata {
  return {
    client_id: ACCOUNT_CLIENT,
    client_name: "your account",
    redirect_uris: [`${issuer}/account`],
    response_types: ["none"],
    grant_types: [],
    token_endpoint_auth_method: "none",
  };
}

/** Clients are the company's own, so nobody is asked for consent: granted is what was asked for, as far as the account has it. */
async function grantFor(ctx: KoaContextWithOIDC, apis: readonly Api[]) {
  const { client, session, provider, account } = ctx.oidc;
  if (client === undefined || session === undefined || account === undefined) return undefined;
  // One name for the session in every token and every logout token: so that the end of one is the end of all.
  session.sidFor(client.clientId, session.uid);
  const grantId = session.grantIdFor(client.clientId);
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant = known ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  const { scopes } = account["account"] as Account;
  grant.addOIDCScope("openid");
  for (const api of apis) {
    grant.addResourceScope(resourceOf(api), scopes.filter((scope) => api.scopes.includes(scope)).join(" "));
  }
  await grant.save();
  return grant;
}

/** Who must see the log-in page: nobody known, a device that is not the session's, and who was told to log in again. */
function policyOf({ devices }: ProviderParts): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.remove("consent");
  policy.get("login")?.checks.push(
    new interactionPolicy.Check("device", "this browser must be shown to be yours", "login_required", async (ctx) => {
      const { session, result } = ctx.oidc;
      if (session?.accountId === undefined) return false;
      const context = contextOfPage(ctx);
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

/** Every use of a refresh token passes here, after its client has been authenticated. */
async function useRefreshToken(ctx: KoaContextWithOIDC, parts: ProviderParts): Promise<boolean> {
  const { store, lines, sessions, devices, metrics } = parts;
  const { RefreshToken: token, Client: client } = ctx.oidc.entities;
  const sid = token?.sessionUid;
  if (token === undefined || client === undefined || sid === undefined)
    throw new errors.InvalidGrant("the refresh token has no session");
  const told = contextToldByClient(ctx, client);
  if (told !== undefined) {
    const { action } = await devices.judgeSession(sid, told, "refresh");
    if (action === "revoke") throw new errors.InvalidGrant("the session has ended");
  }
  if (await devices.needsLogin(sid)) throw new errors.InvalidGrant("the user must log in again");
  const place = await placeOfRefreshToken(store, token.jti);
  const use = await lines.use(place.line, place.token);
  if (use === "reused") {
    metrics.refreshReuse.inc();
    // Waited for: when the thief reads the refusal, what he stole is dead everywhere.
    await sessions.end(sid, "refresh_reuse");
    throw new errors.InvalidGrant("refresh token already used");
  }
  metrics.refreshes.inc({ result: use === "grace" ? "grace" : "rotated" });
  return true;
}
