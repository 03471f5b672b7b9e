// Through a real Envoy, to an upstream that believes the signature alone: by keys it fetched from the sidecar.
import { readFileSync, writeFileSync } from "node:fs";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startUpstream, type Upstream } from "../../examples/upstream/upstream.ts";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoed, echoedHeader } from "../support/http-call.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";
import { signingKeyPem } from "../support/signing-keys.ts";
import { until } from "../support/wait.ts";

const NAMES = { issuer: "https://guard.example.com", audience: "orders" };
const version = ENVOY_VERSIONS[ENVOY_VERSIONS.length - 1] ?? "1.40.0";

let guarded: GuardedUpstream;
let sidecar: PortcullisProcess;
let upstream: Upstream;
let envoy: EnvoyProcess;

beforeAll(async () => {
  guarded = await startGuardedUpstream();
  const identity = { signed: { ...NAMES, keyFiles: ["old.pem", "new.pem"] } };
  const files = { "old.pem": signingKeyPem("EdDSA"), "new.pem": signingKeyPem("ES256") };
  sidecar = await guarded.startSidecar({ identity }, files);
  upstream = await startUpstream({
    host: "127.0.0.1",
    port: 0,
    identity: { ...NAMES, jwksUrl: `${sidecar.opsUrl}/.well-known/jwks.json` },
  });
  envoy = await startEnvoy({ version, portcullis: sidecar.grpcPort, upstreamPort: upstream.port });
});
afterAll(async () => {
  await envoy.stop();
  await upstream.close();
  await sidecar.stop();
  await guarded.stop();
});

const signedKid = async (): Promise<string | undefined> => {
  const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign() });
  return decodeProtectedHeader(echoedHeader(answer, "x-auth-identity")[0] ?? "").kid;
};
const publishedKids = async (): Promise<readonly string[]> => {
  const jwks = (await (await fetch(`${sidecar.opsUrl}/.well-known/jwks.json`)).json()) as {
    readonly keys: readonly { readonly kid: string }[];
  };
  return jwks.keys.map(({ kid }) => kid);
};

test("the upstream knows who calls by what only the guard can sign", async () => {
  const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign() });
  expect(echoed(answer).identity).toMatchObject({
    sub: "alice",
    client_id: "demo",
    tenant: "acme",
    scope: "orders:read orders:write",
    token: { iss: guarded.issuer.issuer },
    revocation: "checked",
  });
});

test("who reaches the upstream around the guard is nobody, whatever headers come along", async () => {
  const headers = [
    ["x-auth-subject", "alice"],
    ["x-auth-identity", await guarded.issuer.sign()],
  ] as const;
  const around = `http://127.0.0.1:${upstream.port}`;
  expect((await call(around, { path: "/api/orders", headers: [headers[0]] })).status).toBe(401);
  expect((await call(around, { path: "/api/orders", headers: [...headers] })).status).toBe(401);
});

test("a client's own header is overwritten; where nobody is known it is removed, in every spelling", async () => {
  const token = await guarded.issuer.sign();
  const good = await call(envoy.url, { path: "/api/orders", token });
  const [stolen = ""] = echoedHeader(good, "x-auth-identity");
  const headers = ["x-auth-identity", "x_auth_identity", "X.Auth.Identity"].map((name) => [name, stolen] as const);
  const other = await call(envoy.url, {
    path: "/api/orders",
    token: await guarded.issuer.sign({ claims: { sub: "bob" } }),
    headers,
  });
  expect(echoed(other).identity?.sub).toBe("bob");
  expect((await call(envoy.url, { path: "/public/logo.svg", headers })).status).toBe(401);
});

test("it opens no door as an access token", async () => {
  const good = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign() });
  const [identity = ""] = echoedHeader(good, "x-auth-identity");
  expect((await call(envoy.url, { path: "/api/orders", token: identity })).status).toBe(401);
});

test("a key that was published before signs next, and its forerunner goes last, each by a reload", async () => {
  const reload = async (keyFiles: readonly string[]): Promise<void> => {
    const before = await publishedKids();
    const config = JSON.parse(readFileSync(sidecar.configFile, "utf8")) as object;
    writeFileSync(sidecar.configFile, JSON.stringify({ ...config, identity: { signed: { ...NAMES, keyFiles } } }));
    await until("other keys to be published", async () => (await publishedKids()).join() !== before.join());
  };
  const [oldKid, newKid] = await publishedKids();
  expect(await signedKid()).toBe(oldKid);
  await reload(["new.pem", "old.pem"]);
  expect(await signedKid()).toBe(newKid); // and the upstream, which has not asked again, was content
  await reload(["new.pem"]);
  expect([await signedKid(), await publishedKids()]).toEqual([newKid, [newKid]]);
});
