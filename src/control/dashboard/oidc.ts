// Signs a person in at an OpenID provider: authorization code with PKCE (RFC 7636). What comes of it is an access token,
// which is judged elsewhere like any other.

import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  discovery,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from "openid-client";
import { isLoopback } from "../../core/loopback.ts";
import { err, ok, type Result } from "../../core/result.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** undefined: a public client. */
  readonly clientSecret: string | undefined;
  /** Where the provider sends the person back to: as it is registered there. */
  readonly redirectUrl: string;
  readonly scope: string;
  /** Further ones of the authorization request. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What has to be remembered of a sign-in while the person is at the provider. */
export interface SignInUnderWay {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type SignInFault =
  /** The provider cannot be reached, or answers what it should not. */
  | "provider_unavailable"
  /** It refused, or the person did, or the answer belongs to another sign-in. */
  | "refused";

export interface OidcSignIn {
  /** Where to send the person. */
  begin(): Promise<Result<{ readonly url: string; readonly underWay: SignInUnderWay }, SignInFault>>;
  /** The access token. `search`: the query with which the person came back. */
  finish(search: string, underWay: SignInUnderWay): Promise<Result<string, SignInFault>>;
}

const TIMEOUT_S = 5;
/** Keys and addresses of a provider change seldom, and never without notice. */
const KNOWN_FOR_MS = 3_600_000;

/** `nowMs`: monotonic. */
export function createOidcSignIn(options: OidcOptions, nowMs: () => number): OidcSignIn {
  let known: { readonly provider: Promise<Configuration>; readonly untilMs: number } | undefined;

  async function provider(): Promise<Configuration> {
    if (known === undefined || known.untilMs <= nowMs()) {
      known = { provider: discover(options), untilMs: nowMs() + KNOWN_FOR_MS };
    }
    const { provider: asked } = known;
    asked.catch(() => (known = undefined));
    return asked;
  }

  return {
    async begin() {
      const verifier = randomPKCECodeVerifier();
      const underWay = { state: randomState(), nonce: randomNonce(), verifier };
      try {
        const url = buildAuthorizationUrl(await provider(), {
          ...options.parameters,
          redirect_uri: options.redirectUrl,
          scope: options.scope,
          code_challenge: await calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          state: underWay.state,
          nonce: underWay.nonce,
        });
        return ok({ url: url.href, underWay });
      } catch {
        return err("provider_unavailable");
      }
    },
    async finish(search, { state, nonce, verifier }) {
      let asked: Configuration;
      try {
        asked = await provider();
      } catch {
        return err("provider_unavailable");
      }
      try {
        const tokens = await authorizationCodeGrant(asked, new URL(search, options.redirectUrl), {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        return ok(tokens.access_token);
      } catch {
        return err("refused");
      }
    },
  };
}

function discover({ issuer, clientId, clientSecret }: OidcOptions): Promise<Configuration> {
  const url = new URL(issuer);
  const authentication = clientSecret === undefined ? None() : ClientSecretBasic(clientSecret);
  // https only, but for loopback, as everywhere here.
  const execute = url.protocol === "http:" && isLoopback(url.hostname) ? [allowInsecureRequests] : [];
  return discovery(url, clientId, undefined, authentication, { execute, timeout: TIMEOUT_S });
}
