// docs/revoke-only.md, as a reader would copy it: a real Envoy's jwt_authn verifies, and Portcullis says what is revoked.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoedHeader } from "../support/http-call.ts";
import { blockOf } from "../support/page.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";

const PAGE = "docs/revoke-only.md";

let guarded: GuardedUpstream;
let sidecar: PortcullisProcess;
let envoy: EnvoyProcess;
let silent: EnvoyProcess;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
  const [issuer] = blockOf(PAGE, "portcullis.yaml")["issuers"] as [Settings];
  const routes = [
    { path: "/public/**", anonymous: true },
    { path: "/**", tier: "critical" },
  ];
  sidecar = await guarded.startSidecar({ issuers: [{ ...issuer, issuer: guarded.issuer.issuer }], routes });
  envoy = await startWith(blockOf(PAGE, "envoy: in ext_authz"));
  silent = await startWith({});
});
afterAll(async () => {
  await Promise.all([envoy.stop(), silent.stop()]);
  await sidecar.stop();
  await guarded.stop();
});

function startWith(inExtAuthz: Settings): Promise<EnvoyProcess> {
  return startEnvoy({
    version: NEWEST_ENVOY,
    portcullis: sidecar.grpcPort,
    upstreamPort: guarded.upstream.port,
    edit: ({ extAuthz, connectionManager, bootstrap }) => {
      Object.assign(extAuthz, inExtAuthz);
      const filter = blockOf(PAGE, "envoy: the filter before ext_authz");
      const { providers } = filter["typed_config"] as { providers: { main: Settings } };
      const uri = { uri: guarded.issuer.jwksUrl, cluster: "id", timeout: "1s" };
      Object.assign(providers.main, { issuer: guarded.issuer.issuer, remote_jwks: { http_uri: uri } });
      (connectionManager["http_filters"] as Settings[]).unshift(filter);
      const { clusters } = bootstrap["static_resources"] as { clusters: Settings[] };
      clusters.push(clusterOf("id", guarded.issuer.port));
    },
  });
}

function clusterOf(name: string, port: number): Settings {
  const endpoint = { address: { socket_address: { address: "127.0.0.1", port_value: port } } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

/** Of its answer: status, and the reason in Envoy's access log. */
async function statusOf(token: string | undefined, path = "/orders", url = envoy.url): Promise<number> {
  return (await call(url, token === undefined ? { path } : { path, token })).status;
}

describe("what Envoy has verified", () => {
  test("is let through with its identity, until it is revoked", async () => {
    const token = await guarded.issuer.sign({ claims: { jti: "jwt-authn-1", sub: "alice" } });
    const answer = await call(envoy.url, { path: "/orders", token, headers: [["x-auth-subject", "root"]] });
    expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["live"]);
    await guarded.redis.cli("SET", "revoked:jti:main:jwt-authn-1", "1");
    expect(await statusOf(token)).toBe(401);
  });

  test("dies with its user, and with the key that signed it", async () => {
    const token = await guarded.issuer.sign({ claims: { sub: "bob", jti: "jwt-authn-2" } });
    expect(await statusOf(token)).toBe(200);
    const nowS = Math.floor(Date.now() / 1_000);
    await guarded.redis.cli("SET", "user:revoked_after:main:bob", String(nowS + 2));
    expect(await statusOf(token)).toBe(401);

    const other = await guarded.issuer.sign({ claims: { sub: "carol", jti: "jwt-authn-3" } });
    const header = JSON.parse(Buffer.from(other.split(".")[0] ?? "", "base64url").toString()) as { kid: string };
    expect(await statusOf(other)).toBe(200);
    await guarded.redis.cli("SET", `revoked:kid:main:${header.kid}`, "1");
    expect(await statusOf(other)).toBe(401);
    await guarded.redis.cli("DEL", `revoked:kid:main:${header.kid}`);
  });

  test("is judged by its claims as anywhere else", async () => {
    expect(await statusOf(await guarded.issuer.sign({ claims: { jti: undefined } }))).toBe(401);
    expect(await statusOf(await guarded.issuer.sign({ claims: { nonce: "an ID token's" } }))).toBe(401);
  });
});

describe("what Envoy has not verified", () => {
  test("is a call without a token, whatever stands in its header", async () => {
    const token = await guarded.issuer.sign({ claims: { sub: "mallory" } });
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    for (const credential of [undefined, forged]) {
      const answer = await call(envoy.url, {
        path: "/orders",
        ...(credential === undefined ? {} : { token: credential }),
      });
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm=/);
      expect(await statusOf(credential, "/public/x")).toBe(200);
    }
  });

  test("an Envoy that does not tell lets nobody in", async () => {
    expect(await statusOf(await guarded.issuer.sign(), "/orders", silent.url)).toBe(401);
  });

  test("a second token in another header is no way around a revocation", async () => {
    const revoked = await guarded.issuer.sign({ claims: { jti: "jwt-authn-4" } });
    await guarded.redis.cli("SET", "revoked:jti:main:jwt-authn-4", "1");
    const own = await guarded.issuer.sign({ claims: { jti: "jwt-authn-5" } });
    const doubled = await call(envoy.url, {
      path: "/orders",
      token: own,
      headers: [["authorization", `Bearer ${revoked}`]],
    });
    expect(doubled.status).not.toBe(200);
  });
});
