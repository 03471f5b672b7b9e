// Through real Envoys: what a refused caller sees, which is little, and what Envoy's own log knows, which is everything.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, type HttpCall } from "../support/http-call.ts";
import { until } from "../support/wait.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

const CASES = ENVOY_VERSIONS.flatMap((version) => [true, false].map((rawHeaders) => ({ version, rawHeaders })));

describe.each(CASES)("Envoy $version, encode_raw_headers $rawHeaders", ({ version, rawHeaders }) => {
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    envoy = await startEnvoy({
      version,
      portcullis: guarded.sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ extAuthz }) => {
        extAuthz["encode_raw_headers"] = rawHeaders;
      },
    });
  });
  afterAll(() => envoy.stop());

  /** Makes the call with a path of its own and returns the line that Envoy's access log has of it. */
  let callCount = 0;
  async function logged(httpCall: Omit<HttpCall, "path"> & { readonly under: string }): Promise<Settings> {
    callCount += 1;
    const path = `${httpCall.under}/call-${callCount}`;
    await call(envoy.url, { ...httpCall, path });
    return until(`a log line of ${path}`, () => envoy.accessLog().find((line) => line["path"] === path));
  }

  test("a call without a token is challenged, in a body that helps nobody", async () => {
    const answer = await call(envoy.url, { path: "/api/orders" });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm=".+"$/);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["cache-control"]).toBe("no-store");
    const body = JSON.parse(answer.body) as Settings;
    expect(Object.keys(body).toSorted()).toEqual(["status", "title", "type"]);
    expect(body["status"]).toBe(401);
  });

  test("an expired token and one with a broken signature look the same to the caller", async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const expired = await guarded.issuer.sign({ claims: { iat: nowS - 900, exp: nowS - 600 } });
    const good = await guarded.issuer.sign();
    const broken = `${good.slice(0, -10)}AAAAAAAAAA`;
    const answers = [];
    for (const token of [expired, broken]) answers.push(await call(envoy.url, { path: "/api/orders", token }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    expect(answers[0]?.body).toBe(answers[1]?.body);
    expect(answers[0]?.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
  });

  test("a missing scope is a 403 that names it", async () => {
    const answer = await call(envoy.url, { path: "/admin/users", token: await guarded.issuer.sign() });
    expect(answer.status).toBe(403);
    expect(answer.headers["www-authenticate"]).toBe('Bearer error="insufficient_scope", scope="admin"');
  });

  test("two Authorization headers are refused, though each alone would do", async () => {
    const value = `Bearer ${await guarded.issuer.sign()}`;
    const headers = [
      ["authorization", value],
      ["Authorization", value],
    ] as const;
    const answer = await call(envoy.url, { path: "/api/orders", headers });
    expect(answer.status).toBe(400);
    expect(answer.headers["www-authenticate"]).toBe('Bearer error="invalid_request"');
  });

  test("a header with bytes that are no UTF-8 lets nobody in", async () => {
    const headers = [["x-tag", "\u00C3\u0028\u00FF"]] as const;
    const anonymous = await call(envoy.url, { path: "/api/orders", headers });
    expect(anonymous.status).toBeGreaterThanOrEqual(400);
    const damaged = await call(envoy.url, { path: "/api/orders", headers: [["authorization", "Bearer \u00FF\u00FE"]] });
    expect(damaged.status).toBeGreaterThanOrEqual(400);
  });

  test("Envoy's access log has the decision, its reason, rule and tier", async () => {
    const denied = await logged({ under: "/admin", token: await guarded.issuer.sign() });
    expect(denied).toMatchObject({
      status: 403,
      decision: "deny",
      reason: "insufficient_scope",
      tier: "critical",
      rule: "admin",
      issuer: "main",
    });
    const allowed = await logged({ under: "/api", token: await guarded.issuer.sign() });
    expect(allowed).toMatchObject({
      status: 200,
      decision: "allow",
      reason: "ok",
      tier: "low",
      assurance: "recent",
      rule: "api-read",
      issuer: "main",
    });
    const anonymous = await logged({ under: "/public" });
    expect(anonymous).toMatchObject({
      status: 200,
      decision: "allow",
      reason: "ok",
      assurance: "anonymous",
      rule: "public",
    });
  });

  test("a route of Envoy raises the tier, and the log shows it", async () => {
    const line = await logged({ under: "/payments", token: await guarded.issuer.sign() });
    expect(line).toMatchObject({ status: 200, tier: "critical", assurance: "live" });
  });

  test("no token is in Envoy's log, whatever the answer", async () => {
    const token = await guarded.issuer.sign();
    await logged({ under: "/api", token });
    await logged({ under: "/admin", token });
    const [, payload = "", signature = ""] = token.split(".");
    expect(envoy.process.output()).not.toContain(payload);
    expect(envoy.process.output()).not.toContain(signature);
  });
});
