// Starts the reference identity service on free ports, and a person's browser that logs in there: a cookie jar that follows
// redirects and fills in the forms. Tokens are asked for by openid-client, which knows nothing of the service.
import { createHash, randomBytes } from "node:crypto";
import * as client from "openid-client";
import {
  startIdentityService,
  type IdentityOptions,
  type IdentityService,
} from "../../examples/identity-service/service.ts";
import { openSqliteStore } from "../../examples/identity-service/store/sqlite.ts";
import { freePorts } from "./ports.ts";

const AUDIENCE = "orders-api";
/** Where the client of the tests is sent back to; nobody listens there. */
export const CALLBACK = "http://127.0.0.1:9/callback";
export const SECRET = "a-secret-that-only-tests-know-about-0123456789";
const ADMIN = "admin-token-of-the-tests-with-more-than-32-bytes";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

export interface Identity {
  readonly service: IdentityService;
  readonly issuer: string;
  /** Every line logged so far. */
  logged(): string;
  /** A call of the private API as its admin, or as told. */
  api(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<{ status: number; json: Record<string, unknown> }>;
  /** A sample of /metrics, by its whole name with labels; 0 where there is none. */
  metric(sample: string): Promise<number>;
  stop(): Promise<void>;
}

export const REPORT_TOKEN = "report-token-of-the-tests-with-more-than-32-bytes";

/** Accounts alice and bob; clients `shop` (confidential), `spa` (public) and what is changed. */
export async function startIdentity(changes: Partial<IdentityOptions> = {}): Promise<Identity> {
  const [port = 0] = await freePorts(1);
  const lines: string[] = [];
  const service = await startIdentityService({
    issuer: `http://127.0.0.1:${port}`,
    listen: { host: "127.0.0.1", port },
    privateListen: { host: "127.0.0.1", port: 0 },
    store: openSqliteStore(":memory:"),
    audience: AUDIENCE,
    scopes: ["orders:read", "orders:write", "admin"],
    clients: [
      { client_id: "shop", client_secret: SECRET, redirect_uris: [CALLBACK], post_logout_redirect_uris: [CALLBACK] },
      { client_id: "spa", token_endpoint_auth_method: "none", redirect_uris: [CALLBACK] },
      { client_id: "told", client_secret: SECRET, redirect_uris: [CALLBACK], device_context: "told" },
    ],
    accessTokenTtlS: 600,
    sessionTtlS: 86_400,
    refreshGraceMs: 10_000,
    keys: { rotateEveryMs: 86_400_000, publishLeadMs: 0 },
    devicePolicy: { device: "step-up", network: "log" },
    trustedProxies: 0,
    portcullis: undefined,
    apiTokens: [
      { name: "tests", sha256: sha256(ADMIN), right: "admin" },
      { name: "edge", sha256: sha256(REPORT_TOKEN), right: "report" },
    ],
    log: (event, fields) => void lines.push(JSON.stringify({ event, ...fields })),
    ...changes,
  });
  for (const [username, scopes] of Object.entries({ alice: ["orders:read", "orders:write"], bob: ["orders:read"] })) {
    await service.accounts.add({ username, password: passwordOf(username), sub: username, tenant: "acme", scopes });
  }
  return {
    service,
    issuer: service.issuer,
    logged: () => lines.join("\n"),
    async api(method, path, body, token = ADMIN) {
      const response = await fetch(`${service.privateUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, json: (await response.json()) as Record<string, unknown> };
    },
    async metric(sample) {
      const text = await (await fetch(`${service.privateUrl}/metrics`)).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${sample} `));
      return Number(line?.slice(sample.length + 1) ?? 0);
    },
    stop: () => service.stop(),
  };
}

export function passwordOf(username: string): string {
  return `${username}s-password`;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly url: string;
}

/** A person's browser. */
export interface Browser {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Page>;
  post(url: string, form: Readonly<Record<string, string>>, headers?: Readonly<Record<string, string>>): Promise<Page>;
  /** What it sends to the service, as a thief with a copy would. */
  cookies(): string;
}

/** Follows redirects until one leaves `issuer`, whose address is then `url` of what it returns. */
export function createBrowser(issuer: string, userAgent: string = FIREFOX, stolen = ""): Browser {
  const jar = new Map<string, string>(
    stolen === "" ? [] : stolen.split("; ").map((pair) => pair.split(/=(.*)/s) as unknown as [string, string]),
  );
  const cookies = (): string => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");

  async function ask(url: string, init: RequestInit): Promise<Page> {
    if (!url.startsWith(`${issuer}/`)) return { status: 0, headers: new Headers(), text: "", url };
    const headers = { "user-agent": userAgent, cookie: cookies(), ...(init.headers as Record<string, string>) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get("location");
    if (location !== null) return ask(new URL(location, url).href, {});
    return { status: response.status, headers: response.headers, text: await response.text(), url };
  }

  return {
    get: (url, headers = {}) => ask(url, { headers }),
    post: (url, form, headers = {}) =>
      ask(url, { method: "POST", body: new URLSearchParams(form), headers: { origin: issuer, ...headers } }),
    cookies,
  };
}

export interface Login {
  readonly config: client.Configuration;
  readonly tokens: Tokens;
  readonly browser: Browser;
  /** Sends the code a second time. */
  exchangeAgain(): Promise<unknown>;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  readonly claims: Readonly<Record<string, unknown>> & {
    readonly sid: string;
    readonly jti: string;
    readonly iat: number;
  };
}

export interface LoginOptions {
  readonly client?: string;
  readonly browser?: Browser;
  readonly scope?: string;
}

/** openid-client's view of the service, as one of its clients. */
export async function discover(issuer: string, clientId = "shop"): Promise<client.Configuration> {
  const authentication = clientId === "spa" ? client.None() : client.ClientSecretBasic(SECRET);
  return client.discovery(new URL(issuer), clientId, undefined, authentication, {
    execute: [client.allowInsecureRequests],
  });
}

/** The address that a client sends its user to, and what it must remember of it. */
export async function authorization(
  config: client.Configuration,
  scope: string,
): Promise<{ url: string; verifier: string }> {
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

/** What a person does: open the client's link, type name and password, and be sent back with a code. */
export async function logIn(issuer: string, username: string, options: LoginOptions = {}): Promise<Login> {
  const { browser = createBrowser(issuer), scope = "openid orders:read orders:write admin" } = options;
  const config = await discover(issuer, options.client);
  const { url, verifier } = await authorization(config, scope);
  let page = await browser.get(url);
  if (page.status === 200) page = await browser.post(page.url, { username, password: passwordOf(username) });
  if (page.status !== 0) throw new Error(`${username} could not log in: ${page.status} ${page.text}`);
  const back = new URL(page.url);
  const state = back.searchParams.get("state") ?? "";
  const exchange = () =>
    client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state });
  return { config, browser, tokens: tokensOf(await exchange()), exchangeAgain: exchange };
}

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
  const payload = Buffer.from(answer.access_token.split(".")[1] ?? "", "base64url").toString("utf8");
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? "",
    idToken: answer.id_token ?? "",
    claims: JSON.parse(payload) as Tokens["claims"],
  };
}
