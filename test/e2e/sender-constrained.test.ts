// docs/sender-constrained.md through a real Envoy: a bound token is good in its client's hands alone.
import { createHash, X509Certificate } from "node:crypto";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCertificate, type Certificate } from "../support/certificate.ts";
import { createDpopClient, type DpopClient } from "../support/dpop.ts";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoedHeader, type HttpAnswer } from "../support/http-call.ts";
import { blockOf } from "../support/page.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";

const PAGE = "docs/sender-constrained.md";

let guarded: GuardedUpstream;
let strict: PortcullisProcess;
let client: DpopClient;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
  const { issuers, dpop } = blockOf(PAGE, "portcullis.yaml") as { issuers: [Settings]; dpop: Settings };
  const issuer = { ...issuers[0], issuer: guarded.issuer.issuer, jwks: { url: guarded.issuer.jwksUrl } };
  strict = await guarded.startSidecar({ issuers: [issuer], dpop });
  client = await createDpopClient();
});
afterAll(async () => {
  await strict.stop();
  await guarded.stop();
});

const bound = (cnf: Settings): Promise<string> => guarded.issuer.sign({ claims: { cnf } });

describe("a token bound to a key", () => {
  let envoy: EnvoyProcess;
  let demanding: EnvoyProcess;
  beforeAll(async () => {
    const start = (portcullis: number): Promise<EnvoyProcess> =>
      startEnvoy({ version: NEWEST_ENVOY, portcullis, upstreamPort: guarded.upstream.port });
    [envoy, demanding] = await Promise.all([start(guarded.sidecar.grpcPort), start(strict.grpcPort)]);
  });
  afterAll(async () => {
    await Promise.all([envoy.stop(), demanding.stop()]);
  });

  const send = (
    to: EnvoyProcess,
    token: string,
    proofs: readonly string[],
    path = "/api/orders",
  ): Promise<HttpAnswer> =>
    call(to.url, {
      path,
      headers: [["authorization", `DPoP ${token}`], ...proofs.map((proof) => ["dpop", proof] as const)],
    });

  test("comes with its proof, made for the URL that the client called", async () => {
    const token = await bound({ jkt: client.jkt });
    const proof = await client.proof({ uri: `${envoy.url}/api/orders`, token });
    const answer = await send(envoy, token, [proof], "/api/orders?page=2");
    expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);

    const replayed = await send(envoy, token, [proof]);
    expect(replayed.status).toBe(401);
    expect(replayed.headers["www-authenticate"]).toBe(
      'DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"',
    );
  });

  test.each([
    ["no proof", async () => [], 400],
    ["two proofs", async (token: string) => [await proofFor(token), await proofFor(token)], 400],
    ["a proof for another URL", async (token: string) => [await proofFor(token, "/api/admin")], 401],
    [
      "another client's proof",
      async (token: string) => [await proofFor(token, "/api/orders", await createDpopClient())],
      401,
    ],
  ] as const)("is refused with %s", async (_what, proofs, status) => {
    const token = await bound({ jkt: client.jkt });
    expect((await send(envoy, token, await proofs(token))).status).toBe(status);
  });

  const proofFor = (token: string, path = "/api/orders", by = client): Promise<string> =>
    by.proof({ uri: `${envoy.url}${path}`, token });

  test("is refused as a bearer token, and told why", async () => {
    const answer = await call(envoy.url, { path: "/api/orders", token: await bound({ jkt: client.jkt }) });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toMatch(/^DPoP error="invalid_token"/);
  });

  test("a token that is bound to nothing goes by Bearer alone", async () => {
    const token = await guarded.issuer.sign();
    const refused = await send(envoy, token, [await proofFor(token)]);
    expect([refused.status, refused.headers["www-authenticate"]]).toEqual([400, 'Bearer error="invalid_request"']);
    expect((await call(envoy.url, { path: "/api/orders", token })).status).toBe(200);
  });

  test("an issuer that must bind is believed nothing else; nonces are asked for and given", async () => {
    const plain = await guarded.issuer.sign();
    expect((await call(demanding.url, { path: "/api/orders", token: plain })).status).toBe(401);
    const nothing = await call(demanding.url, { path: "/api/orders" });
    expect(nothing.headers["www-authenticate"]).toBe('Bearer realm="portcullis", DPoP algs="ES256 EdDSA PS256 RS256"');

    const token = await bound({ jkt: client.jkt });
    const uri = `${demanding.url}/api/orders`;
    const first = await send(demanding, token, [await client.proof({ uri, token })]);
    expect(first.status).toBe(401);
    expect(first.headers["www-authenticate"]).toMatch(/^DPoP error="use_dpop_nonce"/);
    const nonce = first.headers["dpop-nonce"];
    const second = await send(demanding, token, [await client.proof({ uri, token, claims: { nonce } })]);
    expect(second.status).toBe(200);
  });
});

describe("a token bound to a certificate", () => {
  const server = createCertificate();
  const own = createCertificate();
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    envoy = await startEnvoy({
      version: NEWEST_ENVOY,
      portcullis: guarded.sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit({ extAuthz, bootstrap }) {
        Object.assign(extAuthz, blockOf(PAGE, "envoy: in ext_authz"));
        const { listeners } = bootstrap["static_resources"] as { listeners: [{ filter_chains: [Settings] }] };
        listeners[0].filter_chains[0]["transport_socket"] = tlsWith(server);
      },
    });
  });
  afterAll(() => envoy.stop());

  test("is good on its own client's connection, and on no other", async () => {
    const thumbprint = createHash("sha256").update(new X509Certificate(own.certificatePem).raw).digest("base64url");
    const token = await bound({ "x5t#S256": thumbprint });
    const forwarded = `Cert="${encodeURIComponent(own.certificatePem)}"`;
    expect(await statusOver(envoy.port, token, own)).toBe(200);
    expect(await statusOver(envoy.port, token, createCertificate())).toBe(401);
    expect(await statusOver(envoy.port, token, undefined)).toBe(401);
    expect(await statusOver(envoy.port, token, undefined, { "x-forwarded-client-cert": forwarded })).toBe(401);
  });
});

function tlsWith({ certificatePem, privateKeyPem }: Certificate): Settings {
  const certificate = {
    certificate_chain: { inline_string: certificatePem },
    private_key: { inline_string: privateKeyPem },
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      common_tls_context: {
        tls_certificates: [certificate],
        ...blockOf(PAGE, "envoy: in common_tls_context of the listener"),
      },
    },
  };
}

function statusOver(
  port: number,
  token: string,
  certificate: Certificate | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const shown = certificate === undefined ? {} : { cert: certificate.certificatePem, key: certificate.privateKeyPem };
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      path: "/api/orders",
      headers: { ...headers, authorization: `Bearer ${token}` },
      rejectUnauthorized: false,
      agent: false,
      timeout: 10_000,
      ...shown,
    });
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode ?? 0);
    });
    outgoing.end();
  });
}
