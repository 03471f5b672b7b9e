// docs/observe.md through a real Envoy: nothing is refused, nobody who would have been is named, and all of it is told.
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "../support/command.ts";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoed, echoedHeader } from "../support/http-call.ts";
import { blockOf } from "../support/page.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

const PAGE = "docs/observe.md";

let guarded: GuardedUpstream;
let sidecar: PortcullisProcess;
let envoy: EnvoyProcess;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
  const { mode } = blockOf(PAGE, "portcullis.yaml");
  sidecar = await guarded.startSidecar({ mode });
  envoy = await startEnvoy({
    version: NEWEST_ENVOY,
    portcullis: sidecar.grpcPort,
    upstreamPort: guarded.upstream.port,
    edit({ connectionManager }) {
      const [log] = connectionManager["access_log"] as [{ typed_config: { log_format: { json_format: Settings } } }];
      Object.assign(log.typed_config.log_format.json_format, blockOf(PAGE, "envoy: in json_format of the access log"));
    },
  });
});
afterAll(async () => {
  await envoy.stop();
  await sidecar.stop();
  await guarded.stop();
});

const SPOOFED = [
  ["x-auth-subject", "root"],
  ["x_auth_subject", "root"],
  ["x-auth-assurance", "live"],
] as const;

test("a good token is let through as ever, with its identity", async () => {
  const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign(), headers: SPOOFED });
  expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);
  expect(echoedHeader(answer, "x-auth-assurance")).not.toEqual(["observed"]);
});

test("whatever would be refused is let through, unnamed and marked, and is told by reason", async () => {
  const revoked = await guarded.issuer.sign({ claims: { jti: "observed-1" } });
  await guarded.redis.cli("SET", "revoked:jti:main:observed-1", "1");
  const expired = await guarded.issuer.sign({ claims: { exp: 1_700_000_000, iat: 1_699_999_000 } });
  const cases = [
    ["missing_token", "/critical/a", undefined],
    ["revoked", "/critical/b", revoked],
    ["expired", "/critical/c", expired],
    ["insufficient_scope", "/admin/d", await guarded.issuer.sign()],
    ["ambiguous_path", "/critical/%2Fe", undefined],
  ] as const;
  for (const [reason, path, token] of cases) {
    const answer = await call(envoy.url, { path, headers: SPOOFED, ...(token === undefined ? {} : { token }) });
    expect([reason, answer.status]).toEqual([reason, 200]);
    const names = echoed(answer).headers.filter(([name]) => /^x.auth.(?!assurance)/.test(name));
    expect([reason, names]).toEqual([reason, []]);
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["observed"]);
  }
  const logged = await until("Envoy's access log", () => {
    const reasons = envoy.accessLog().map((line) => line["would_deny"]);
    return cases.every(([reason]) => reasons.includes(reason)) ? reasons : undefined;
  });
  expect(logged).toContain("revoked");

  const wouldDeny = Object.fromEntries(cases.map(([reason]) => [reason, 1]));
  const status = await runHere(["status", "--ops", sidecar.opsUrl, "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ mode: "observe", would_deny: wouldDeny });
  expect((await runHere(["status", "--ops", sidecar.opsUrl])).out).toContain("OBSERVES: REFUSES NOTHING");
  const ready = (await (await fetch(`${sidecar.opsUrl}/readyz`)).json()) as Settings;
  expect(ready).toMatchObject({ components: { mode: { state: "degraded" } } });
  const metrics = await (await fetch(`${sidecar.opsUrl}/metrics`)).text();
  expect(metrics).toMatch(/^portcullis_observing 1$/m);
  expect(metrics).toMatch(/^portcullis_observed_denials_total\{reason="revoked",tier="critical"\} 1$/m);
  expect(metrics).not.toMatch(/decisions_total\{decision="deny"/);
  expect(sidecar.process.output()).toContain('"observing"');
});
