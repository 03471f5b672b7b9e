// What the demo runs on: the identity service, a second issuer, the shop, `portcullis dev` on the embedded store and a real
// Envoy on the reference configuration, all on free ports. Starts them in order and ends them in reverse.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Configuration } from "openid-client";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess } from "../../test/support/envoy.ts";
import { CALLBACK, discover } from "../../test/support/oidc-login.ts";
import { freePorts } from "../../test/support/ports.ts";
import { startProcess, type RunningProcess } from "../../test/support/process.ts";
import { until } from "../../test/support/wait.ts";
import { DEFAULT_POLICY } from "../identity-service/device-watch.ts";
import { startIdentityService, type IdentityService } from "../identity-service/service.ts";
import { openSqliteStore } from "../identity-service/store/sqlite.ts";
import { startIssuer, type Issuer } from "../issuer/issuer.ts";
import { startShop } from "../shop/shop.ts";
import { accounts, DASHBOARD_SCOPE, SCOPES } from "./people.ts";

export const AUDIENCE = "orders-api";

export interface Stage {
  readonly identity: IdentityService;
  /** Of the identity service's private side. */
  readonly adminToken: string;
  /** As which the walk logs people in. */
  readonly walkClient: Configuration;
  /** The same, with access tokens that say nothing to anybody but the identity service. */
  readonly opaqueClient: Configuration;
  /** A second issuer, which Portcullis trusts under the id `partner`; signs whatever it is asked to. */
  readonly partner: Issuer;
  readonly envoy: EnvoyProcess;
  readonly portcullis: RunningProcess;
  readonly opsUrl: string;
  readonly controlUrl: string;
  /** Holds the bootstrap token that `dev` made; mode 0600. */
  readonly tokenFile: string;
  readonly storeFile: string;
  /** What the identity service logged. */
  identityLog(): string;
  /** Runs `bin/portcullis` with the control plane's URL and token in its environment, and returns what it wrote. */
  command(...args: string[]): Promise<string>;
  /** Ends everything. */
  strike(): Promise<void>;
}

/** A stage half built is torn down again. */
export async function buildStage(): Promise<Stage> {
  const ending: (() => Promise<void> | void)[] = [];
  const strike = async (): Promise<void> => {
    for (const end of ending.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await start(ending)), strike };
  } catch (error) {
    await strike();
    throw error;
  }
}

async function start(ending: (() => Promise<void> | void)[]): Promise<Omit<Stage, "strike">> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-demo-"));
  ending.push(() => rmSync(home, { recursive: true, force: true }));
  const [grpcPort = 0, opsPort = 0, controlPort = 0, identityPort = 0, envoyPort = 0] = await freePorts(5);
  const storeFile = join(home, "portcullis.db");
  const controlUrl = `http://127.0.0.1:${controlPort}`;
  const envoyUrl = `http://127.0.0.1:${envoyPort}`;
  const secrets = { admin: newSecret(), walk: newSecret(), shop: newSecret(), introspection: newSecret() };
  const introspectionSecretFile = join(home, "introspection.secret");
  writeFileSync(introspectionSecretFile, secrets.introspection, { mode: 0o600 });

  const logged: string[] = [];
  const identity = await startIdentityService({
    issuer: `http://127.0.0.1:${identityPort}`,
    listen: { host: "127.0.0.1", port: identityPort },
    privateListen: { host: "127.0.0.1", port: 0 },
    store: openSqliteStore(join(home, "identity.db")),
    apis: [
      { audience: AUDIENCE, scopes: SCOPES },
      { audience: "portcullis", scopes: [DASHBOARD_SCOPE] },
    ],
    clients: [
      { client_id: "walk", client_secret: secrets.walk, redirect_uris: [CALLBACK] },
      {
        client_id: "opaque-walk",
        client_secret: secrets.walk,
        redirect_uris: [CALLBACK],
        access_token_format: "opaque",
      },
      {
        client_id: "dashboard",
        client_name: "the dashboard",
        token_endpoint_auth_method: "none",
        redirect_uris: [`${controlUrl}/dashboard/callback`],
        api: "portcullis",
      },
      {
        client_id: "portcullis",
        client_secret: secrets.introspection,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
        introspect: true,
      },
      {
        client_id: "shop",
        client_name: "the shop",
        client_secret: secrets.shop,
        redirect_uris: [`${envoyUrl}/callback`],
        post_logout_redirect_uris: [`${envoyUrl}/`],
        device_context: "told",
      },
    ],
    accessTokenTtlS: 900,
    sessionTtlS: 86_400,
    refreshGraceMs: 10_000,
    keys: { rotateEveryMs: 86_400_000, publishLeadMs: 0 },
    devicePolicy: DEFAULT_POLICY,
    trustedProxies: 0,
    countryHeader: undefined,
    portcullis: { url: controlUrl, issuerId: "main", tokenFile: join(home, "portcullis.token") },
    apiTokens: [{ name: "demo", sha256: createHash("sha256").update(secrets.admin).digest("hex"), right: "admin" }],
    log: (event, fields) => void logged.push(JSON.stringify({ event, ...fields })),
  });
  ending.push(() => identity.stop());
  for (const account of accounts()) await identity.accounts.add(account);
  const partner = await startIssuer({ host: "127.0.0.1", port: 0, audience: AUDIENCE, lifetimeS: 900 });
  ending.push(() => partner.close());
  const shop = await startShop({
    host: "127.0.0.1",
    port: 0,
    publicUrl: envoyUrl,
    issuer: identity.issuer,
    clientId: "shop",
    clientSecret: secrets.shop,
    scope: `openid ${SCOPES.join(" ")}`,
  });
  ending.push(() => shop.close());

  const portcullis = startProcess(resolve("bin/portcullis"), ["dev", "--config", "examples/demo/portcullis.yaml"], {
    env: {
      DEMO_GRPC_PORT: String(grpcPort),
      DEMO_OPS_PORT: String(opsPort),
      DEMO_CONTROL_PORT: String(controlPort),
      DEMO_ISSUER: identity.issuer,
      DEMO_INTROSPECTION_SECRET: introspectionSecretFile,
      DEMO_PARTNER: partner.issuer,
      DEMO_STORE: storeFile,
    },
  });
  ending.push(() => portcullis.stop(15_000));
  const [, , tokenFile = ""] = await portcullis.line(/control (http:\S+) token file (\S+)/);
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  await until("a ready sidecar", async () => (await fetch(`${opsUrl}/readyz`)).ok).catch((cause: unknown) => {
    throw new Error(`portcullis dev did not become ready; it wrote:\n${portcullis.output()}`, { cause });
  });

  const envoy = await startEnvoy({
    version: NEWEST_ENVOY,
    portcullis: grpcPort,
    upstreamPort: shop.port,
    listenPort: envoyPort,
  });
  ending.push(() => envoy.stop());

  const command = async (...args: string[]): Promise<string> => {
    const env = { PORTCULLIS_CONTROL_URL: controlUrl, PORTCULLIS_TOKEN: readFileSync(tokenFile, "utf8").trim() };
    const run = startProcess(resolve("bin/portcullis"), args, { env });
    const code = await run.end();
    if (code !== 0) throw new Error(`portcullis ${args.join(" ")} ended with ${code}:\n${run.output()}`);
    return run.output();
  };
  return {
    identity,
    adminToken: secrets.admin,
    walkClient: await discover(identity.issuer, "walk", secrets.walk),
    opaqueClient: await discover(identity.issuer, "opaque-walk", secrets.walk),
    partner,
    envoy,
    portcullis,
    opsUrl,
    controlUrl,
    tokenFile,
    storeFile,
    identityLog: () => logged.join("\n"),
    command,
  };
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}
