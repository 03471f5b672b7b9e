// Starts the reference identity service on free ports with accounts and clients, and logs in there.
import { createHash } from "node:crypto";
import {
  startIdentityService,
  type IdentityOptions,
  type IdentityService,
} from "../../examples/identity-service/service.ts";
import { DEFAULT_POLICY } from "../../examples/identity-service/device-watch.ts";
import { openSqliteStore } from "../../examples/identity-service/store/sqlite.ts";
import { createBrowser, type Browser } from "./browser.ts";
import { CALLBACK, discover, logInAt, type Login } from "./oidc-login.ts";
import { freePorts } from "./ports.ts";

export const SECRET = "a-secret-that-only-tests-know-about-0123456789";
const ADMIN = "admin-token-of-the-tests-with-more-than-32-bytes";

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

/** Accounts alice and bob; clients `shop` (confidential), `spa` (public) and some with a peculiarity each. */
export async function startIdentity(changes: Partial<IdentityOptions> = {}): Promise<Identity> {
  const [port = 0] = await freePorts(1);
  const lines: string[] = [];
  const service = await startIdentityService({
    issuer: `http://127.0.0.1:${port}`,
    listen: { host: "127.0.0.1", port },
    privateListen: { host: "127.0.0.1", port: 0 },
    store: openSqliteStore(":memory:"),
    apis: [
      { audience: "orders-api", scopes: ["orders:read", "orders:write", "admin"] },
      { audience: "portcullis", scopes: ["portcullis:read"] },
    ],
    clients: [
      { client_id: "shop", client_secret: SECRET, redirect_uris: [CALLBACK], post_logout_redirect_uris: [CALLBACK] },
      {
        client_id: "spa",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [CALLBACK],
      },
      { client_id: "desk", client_secret: SECRET, redirect_uris: [CALLBACK], api: "portcullis" },
      { client_id: "opaque", client_secret: SECRET, redirect_uris: [CALLBACK], access_token_format: "opaque" },
      {
        client_id: "guard",
        client_secret: SECRET,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
        introspect: true,
      },
      { client_id: "told", client_secret: SECRET, redirect_uris: [CALLBACK], device_context: "told" },
    ],
    accessTokenTtlS: 600,
    sessionTtlS: 86_400,
    refreshGraceMs: 10_000,
    keys: { rotateEveryMs: 86_400_000, publishLeadMs: 0 },
    devicePolicy: DEFAULT_POLICY,
    trustedProxies: 0,
    countryHeader: undefined,
    portcullis: undefined,
    apiTokens: [
      { name: "tests", sha256: sha256(ADMIN), right: "admin" },
      { name: "edge", sha256: sha256(REPORT_TOKEN), right: "report" },
    ],
    log: (event, fields) => void lines.push(JSON.stringify({ event, ...fields })),
    ...changes,
  });
  for (const [username, scopes] of Object.entries({
    alice: ["orders:read", "orders:write"],
    bob: ["orders:read", "portcullis:read"],
  })) {
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

export interface LoginOptions {
  /** Default: shop. `spa` has no secret. */
  readonly client?: string;
  readonly browser?: Browser;
  readonly scope?: string;
}

/** As one of the clients, by default in a new browser. */
export async function logIn(issuer: string, username: string, options: LoginOptions = {}): Promise<Login> {
  const { client = "shop", browser = createBrowser(issuer) } = options;
  const { scope = "openid orders:read orders:write admin" } = options;
  const config = await discover(issuer, client, client === "spa" ? undefined : SECRET);
  return logInAt(config, browser, { username, password: passwordOf(username) }, scope);
}
