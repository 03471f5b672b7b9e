// The clients that oidc-provider is given: those of the configuration with what goes without saying, and the account page.
import type { ClientMetadata } from "oidc-provider";

/** The client of the account page: it logs in and gets no token. */
const ACCOUNT_CLIENT = "account";

export function allClients(configured: readonly ClientMetadata[], issuer: string): ClientMetadata[] {
  return [...configured.map(withDefaults), accountClient(issuer)];
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
