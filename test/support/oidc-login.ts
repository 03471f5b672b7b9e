// Logging in as a client and a person together do: openid-client asks and knows nothing of the service, a browser fills in the
// form. For issuers whose log-in form has `username` and `password`.
import { randomBytes } from "node:crypto";
import * as client from "openid-client";
import type { Browser } from "./browser.ts";

/** Where clients of tests are sent back to; nobody listens there. */
export const CALLBACK = "http://127.0.0.1:9/callback";

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  /** Of a JWT; of an opaque one there are none to read. */
  readonly claims: Readonly<Record<string, unknown>> & {
    readonly sid: string;
    readonly jti: string;
    readonly iat: number;
  };
}

export interface Login {
  readonly config: client.Configuration;
  readonly browser: Browser;
  readonly tokens: Tokens;
  /** Sends the code a second time. */
  exchangeAgain(): Promise<unknown>;
}

export interface Person {
  readonly username: string;
  readonly password: string;
}

/** openid-client's view of an issuer; without a secret it is a public client. */
export async function discover(issuer: string, clientId: string, secret?: string): Promise<client.Configuration> {
  const authentication = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
  return client.discovery(new URL(issuer), clientId, undefined, authentication, {
    execute: [client.allowInsecureRequests],
  });
}

/** The address that a client sends its user to, and what it must remember of it. */
export async function authorization(
  config: client.Configuration,
  scope: string,
): Promise<{ readonly url: string; readonly verifier: string }> {
  const verifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: randomBytes(8).toString("hex"),
  });
  return { url: url.href, verifier };
}

/** Opens the client's link, types name and password where they are asked for, and comes back with a code. */
export async function logInAt(
  config: client.Configuration,
  browser: Browser,
  person: Person,
  scope: string,
): Promise<Login> {
  const { url, verifier } = await authorization(config, scope);
  let page = await browser.get(url);
  if (page.status === 200) page = await browser.post(page.url, { ...person });
  if (page.status !== 0) throw new Error(`${person.username} could not log in: ${page.status} ${page.text}`);
  const back = new URL(page.url);
  const checks = { pkceCodeVerifier: verifier, expectedState: back.searchParams.get("state") ?? "" };
  const exchange = async (): Promise<Tokens> => tokensOf(await client.authorizationCodeGrant(config, back, checks));
  return { config, browser, tokens: await exchange(), exchangeAgain: exchange };
}

/** `headers` go along with this call and all later ones of `config`. */
export async function refresh(
  config: client.Configuration,
  refreshToken: string,
  headers?: Readonly<Record<string, string>>,
): Promise<Tokens> {
  if (headers !== undefined) {
    config[client.customFetch] = (url, options) =>
      fetch(url, { ...options, headers: { ...options.headers, ...headers } } as RequestInit);
  }
  return tokensOf(await client.refreshTokenGrant(config, refreshToken));
}

/** The `error` of what refuses; "" when it does not. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "";
  } catch (error) {
    return (error as { readonly error?: string }).error ?? String(error);
  }
}

function tokensOf(answer: client.TokenEndpointResponse): Tokens {
  const [, payload = "e30"] = answer.access_token.split(".");
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? "",
    idToken: answer.id_token ?? "",
    claims: JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Tokens["claims"],
  };
}
