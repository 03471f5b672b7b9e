// The reference identity service: puts its parts together and starts them. An issuer whose log-outs are heeded at once, for
// every ending is told to Portcullis.
import { randomBytes } from "node:crypto";
import type { ClientMetadata } from "oidc-provider";
import { createAccounts, type Accounts } from "./accounts.ts";
import { createDeviceWatch, type DevicePolicy } from "./device-watch.ts";
import { createKeyRing } from "./key-ring.ts";
import type { Log } from "./log.ts";
import { createLoginLimit } from "./login-limit.ts";
import { createMetrics } from "./metrics.ts";
import { startOutbox } from "./outbox.ts";
import { nobodys } from "./password.ts";
import { createSender, type PortcullisOptions } from "./portcullis.ts";
import { createPrivateApi, type ApiToken } from "./private-api.ts";
import type { Apis } from "./apis.ts";
import { createPublicServer, listen } from "./public-server.ts";
import { createRefreshLines } from "./refresh-line.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import type { IdentityStore } from "./store/store.ts";

export interface IdentityOptions {
  /** The `iss` of its tokens, where browsers reach it: an origin, without a path. */
  readonly issuer: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly privateListen: { readonly host: string; readonly port: number };
  /** Closed with the service. */
  readonly store: IdentityStore;
  readonly apis: Apis;
  /** As OpenID Connect's dynamic registration writes them. */
  readonly clients: readonly ClientMetadata[];
  /** 300 to 900. */
  readonly accessTokenTtlS: number;
  /** Of a session nobody uses; refresh tokens end with it. */
  readonly sessionTtlS: number;
  /** How long a refresh token may be used again for a lost answer. */
  readonly refreshGraceMs: number;
  readonly keys: { readonly rotateEveryMs: number; readonly publishLeadMs: number };
  readonly devicePolicy: DevicePolicy;
  /** Proxies before it that write `x-forwarded-for`; 0: none is believed. */
  readonly trustedProxies: number;
  /** In which the last of them tells a browser's country, over whatever a browser wrote there. */
  readonly countryHeader: string | undefined;
  /** Undefined: nobody is told of endings. */
  readonly portcullis: PortcullisOptions | undefined;
  readonly apiTokens: readonly ApiToken[];
  readonly log: Log;
}

export interface IdentityService {
  readonly issuer: string;
  readonly privateUrl: string;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  stop(): Promise<void>;
}

/** A ring that another process has turned is taken up so soon; far below the lead of a new key. */
const LOOK_AT_KEYS_EVERY_MS = 1_000;

/** Clocks that differ, and a verifier's own leniency: a retired key is published so much longer than its tokens live. */
const KEY_SLACK_MS = 5 * 60_000;

export async function startIdentityService(options: IdentityOptions): Promise<IdentityService> {
  const { issuer, store, log, accessTokenTtlS, sessionTtlS } = options;
  await nobodys();
  const metrics = createMetrics();
  const accounts = createAccounts(store);
  const outbox =
    options.portcullis === undefined
      ? undefined
      : startOutbox({ store, send: createSender(options.portcullis), log, metrics });
  const sessions = createSessions({ store, outbox, metrics, accessTokenTtlS, sessionTtlS });
  const devices = createDeviceWatch({ ...options, sessions, policy: options.devicePolicy, metrics });
  const keyRing = createKeyRing({ store, ...options.keys, keepMs: accessTokenTtlS * 1_000 + KEY_SLACK_MS });

  const { server, use } = createPublicServer({
    ...options,
    origin: new URL(issuer).origin,
    cookieKeys: [await cookieKey(store)],
    accounts,
    sessions,
    lines: createRefreshLines(store, options.refreshGraceMs, sessionTtlS * 1_000),
    devices,
    limit: createLoginLimit(store),
    metrics,
  });
  const takeUpKeys = async (): Promise<void> => use(await keyRing.current());
  await takeUpKeys();
  const watching = setInterval(() => {
    takeUpKeys().catch((error: unknown) => log("keys_unreadable", { failure: String(error) }));
  }, LOOK_AT_KEYS_EVERY_MS);

  const privateApi = createPrivateApi({
    issuer,
    store,
    accounts,
    sessions,
    devices,
    keyRing,
    outbox,
    tokens: options.apiTokens,
    metrics,
    log,
    takeUpKeys,
  });
  const privateUrl = await privateApi.listen(options.privateListen);
  await listen(server, options.listen.host, options.listen.port);

  return {
    issuer,
    privateUrl,
    accounts,
    sessions,
    async stop() {
      clearInterval(watching);
      server.closeIdleConnections();
      await new Promise((done) => server.close(done));
      await privateApi.close();
      await outbox?.stop();
      await store.close();
    },
  };
}

/** Made by the first process that asks; the others take the same. */
async function cookieKey(store: IdentityStore): Promise<string> {
  const made = randomBytes(32).toString("base64url");
  await store.swap("cookie-key", undefined, made);
  return (await store.get("cookie-key")) ?? made;
}
