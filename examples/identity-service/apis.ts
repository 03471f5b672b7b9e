// What access tokens may be for: which APIs there are, which of their scopes an account is granted, and what a token for each
// looks like.
import { errors, type Client, type Configuration, type Grant, type KoaContextWithOIDC } from "oidc-provider";
import type { Account } from "./accounts.ts";
import type { SigningKeys } from "./key-ring.ts";

/** A resource server, or several that share an audience. */
interface Api {
  /** The `aud` of its access tokens. */
  readonly audience: string;
  /** All scopes there are. */
  readonly scopes: readonly string[];
}

/** The first, unless a client says another (`api`). */
export type Apis = readonly [Api, ...Api[]];

/** How oidc-provider learns of them (RFC 8707). */
export function resourceIndicators(
  { apis, accessTokenTtlS }: { readonly apis: Apis; readonly accessTokenTtlS: number },
  { kid }: SigningKeys,
): NonNullable<Configuration["features"]>["resourceIndicators"] {
  return {
    enabled: true,
    defaultResource: (_ctx, client) => resourceOf(apiOf(client, apis)),
    useGrantedResource: () => true,
    getResourceServerInfo(_ctx, indicator, client) {
      const api = apis.find((candidate) => resourceOf(candidate) === indicator);
      if (api === undefined) throw new errors.InvalidTarget();
      return {
        audience: api.audience,
        scope: api.scopes.join(" "),
        accessTokenTTL: accessTokenTtlS,
        ...(client["access_token_format"] === "opaque"
          ? { accessTokenFormat: "opaque" }
          : { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256", kid } } }),
      };
    },
  };
}

/** Clients are the company's own, so nobody is asked for consent: granted is what was asked for, as far as the account has it. */
export async function grantFor(ctx: KoaContextWithOIDC, apis: Apis): Promise<Grant | undefined> {
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

/** Its name where one is asked for by RFC 8707. */
function resourceOf({ audience }: Api): string {
  return `urn:api:${audience}`;
}

function apiOf(client: Client, apis: Apis): Api {
  return apis.find(({ audience }) => audience === client["api"]) ?? apis[0];
}
