// Through real Envoys: the upstream learns who calls from us alone, whatever the client writes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess, type EnvoyVersion } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoed, echoedHeader, type HttpAnswer } from "../support/http-call.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

const MANAGED = {
  "x-auth-subject": "alice",
  "x-auth-client": "demo",
  "x-auth-tenant": "acme",
  "x-auth-scope": "orders:read orders:write",
};

/** Header names at the upstream that a back end folding `.` and `_` to `-` would take for one of ours. */
function namesReadAsIdentity(answer: HttpAnswer): readonly string[] {
  return echoed(answer)
    .headers.map(([name]) => name)
    .filter((name) => name.replaceAll(/[._]/g, "-").startsWith("x-auth-"));
}

const CASES = ENVOY_VERSIONS.flatMap((version) => [true, false].map((rawHeaders) => ({ version, rawHeaders })));

describe.each(CASES)("Envoy $version, encode_raw_headers $rawHeaders", ({ version, rawHeaders }) => {
  let envoy: EnvoyProcess;
  let keepingUnderscores: EnvoyProcess;

  const start = async (options: {
    readonly version: EnvoyVersion;
    readonly underscores: string;
  }): Promise<EnvoyProcess> =>
    startEnvoy({
      version: options.version,
      portcullis: guarded.sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ extAuthz, connectionManager }) => {
        extAuthz["encode_raw_headers"] = rawHeaders;
        const http = connectionManager["common_http_protocol_options"] as Record<string, unknown>;
        http["headers_with_underscores_action"] = options.underscores;
      },
    });

  beforeAll(async () => {
    envoy = await start({ version, underscores: "DROP_HEADER" });
    keepingUnderscores = await start({ version, underscores: "ALLOW" });
  });
  afterAll(async () => {
    await envoy.stop();
    await keepingUnderscores.stop();
  });

  test("the upstream gets the identity of a good token, each header once", async () => {
    const token = await guarded.issuer.sign();
    const answer = await call(envoy.url, { path: "/api/orders", token });
    for (const [name, value] of Object.entries(MANAGED)) expect(echoedHeader(answer, name)).toEqual([value]);
    expect(echoedHeader(answer, "x-auth-issuer")).toEqual([guarded.issuer.issuer]);
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["recent"]);
    expect(echoedHeader(answer, "authorization")).toEqual([`Bearer ${token}`]);
  });

  test("a client's own identity headers are overwritten, not appended to", async () => {
    const spoofed = [...Object.keys(MANAGED), "x-auth-assurance", "x-auth-token-id"].map(
      (name) => [name, "root"] as const,
    );
    const answer = await call(envoy.url, {
      path: "/api/orders",
      token: await guarded.issuer.sign(),
      headers: [...spoofed, ...spoofed],
    });
    for (const [name, value] of Object.entries(MANAGED)) expect(echoedHeader(answer, name)).toEqual([value]);
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["recent"]);
    expect(echoedHeader(answer, "x-auth-token-id")).not.toContain("root");
  });

  test("a client's header whose claim the token lacks is removed, not left", async () => {
    const token = await guarded.issuer.sign({ claims: { tenant: undefined } });
    const answer = await call(envoy.url, { path: "/api/orders", token, headers: [["x-auth-tenant", "victim"]] });
    expect(echoedHeader(answer, "x-auth-tenant")).toEqual([]);
  });

  test("spellings that back ends read as our headers are removed", async () => {
    const names = ["X_Auth_Subject", "x.auth.subject", "x_auth-subject", "x-auth.subject", "X-AUTH_ASSURANCE"];
    const headers = names.map((name) => [name, "root"] as const);
    const token = await guarded.issuer.sign();
    for (const url of [envoy.url, keepingUnderscores.url]) {
      const answer = await call(url, { path: "/api/orders", token, headers });
      expect(namesReadAsIdentity(answer).filter((name) => /[._]/.test(name))).toEqual([]);
      expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);
    }
  });

  test("on an anonymous route no identity is set and every managed header is removed", async () => {
    const headers = [...Object.keys(MANAGED), "x_auth_subject"].map((name) => [name, "root"] as const);
    const answer = await call(keepingUnderscores.url, { path: "/public/logo.svg", headers });
    expect(namesReadAsIdentity(answer)).toEqual(["x-auth-assurance"]);
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["anonymous"]);
  });

  test("method-override headers are removed in every spelling", async () => {
    const names = [
      "x-http-method-override",
      "X-HTTP-Method",
      "x-method-override",
      "X_Method_Override",
      "x.http.method.override",
    ];
    const headers = names.map((name) => [name, "DELETE"] as const);
    const answer = await call(keepingUnderscores.url, {
      path: "/api/orders",
      token: await guarded.issuer.sign(),
      headers,
    });
    const left = echoed(answer).headers.filter(([name]) => name.replaceAll(/[._]/g, "-").includes("method"));
    expect(left).toEqual([]);
  });

  test("other headers reach the upstream as they came", async () => {
    const headers = [
      ["x-request-tag", "one"],
      ["cookie", "a=b"],
      ["accept-language", "de, en"],
    ] as const;
    const answer = await call(envoy.url, { path: "/api/orders?page=2", token: await guarded.issuer.sign(), headers });
    for (const [name, value] of headers) expect(echoedHeader(answer, name)).toEqual([value]);
    expect(echoed(answer).path).toBe("/api/orders?page=2");
  });
});

describe.each(ENVOY_VERSIONS)("Envoy %s, identity.forwardToken false", (version) => {
  test("the token stays at the edge", async () => {
    const sidecar = await guarded.startSidecar({ identity: { forwardToken: false } });
    const envoy = await startEnvoy({ version, portcullis: sidecar.grpcPort, upstreamPort: guarded.upstream.port });
    try {
      const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign() });
      expect(echoedHeader(answer, "authorization")).toEqual([]);
      expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);
    } finally {
      await envoy.stop();
      await sidecar.stop();
    }
  });
});
