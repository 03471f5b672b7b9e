// Everything that stands behind Envoy in the end-to-end tests: issuer, upstream, a real Redis and the real sidecar.
import { startIssuer, type Issuer } from "../../examples/issuer/issuer.ts";
import { startUpstream, type Upstream } from "../../examples/upstream/upstream.ts";
import { startPortcullis, type PortcullisProcess } from "./portcullis.ts";
import { startRedis, type RedisProcess } from "./redis-server.ts";
import { until } from "./wait.ts";

export interface GuardedUpstream {
  readonly issuer: Issuer;
  readonly upstream: Upstream;
  readonly redis: RedisProcess;
  /** Its replica is in step: a tier that takes an answer of a second ago is told `recent`. */
  readonly sidecar: PortcullisProcess;
  /** A further sidecar of the same configuration, changed as told, with `files` beside it. */
  startSidecar(
    changes?: Readonly<Record<string, unknown>>,
    files?: Readonly<Record<string, string>>,
  ): Promise<PortcullisProcess>;
  stop(): Promise<void>;
}

/** Rules of every kind; /api is low for reading, standard otherwise. */
const ROUTES = [
  { path: "/public/**", anonymous: true, name: "public" },
  { path: "/admin/**", tier: "critical", scopes: ["admin"], name: "admin" },
  { path: "/critical/**", tier: "critical", name: "critical" },
  { path: "/api/**", methods: ["GET", "HEAD"], tier: "low", name: "api-read" },
  { path: "/**", tier: "standard", name: "rest" },
];

export async function startGuardedUpstream(): Promise<GuardedUpstream> {
  const [issuer, upstream, redis] = await Promise.all([
    startIssuer({ host: "127.0.0.1", port: 0, audience: "orders-api", lifetimeS: 900 }),
    startUpstream({ host: "127.0.0.1", port: 0 }),
    startRedis(),
  ]);
  const config = {
    issuers: [{ issuer: issuer.issuer, jwks: { url: issuer.jwksUrl }, audiences: ["orders-api"] }],
    // More than Portcullis' own defaults: on a busy machine a good answer may be late, and would be a 503.
    store: { type: "redis", url: redis.url, timeout: "200ms" },
    deadline: "800ms",
    routes: ROUTES,
    drain: { delay: "50ms" }, // nothing waits for these sidecars, but the test run does
  };
  const startSidecar: GuardedUpstream["startSidecar"] = async (changes = {}, files = {}) =>
    startPortcullis({ command: "serve", config: { ...config, ...changes }, files });
  const sidecar = await startSidecar();
  await until("the replica to be in step", async () => {
    const report = (await (await fetch(`${sidecar.opsUrl}/readyz`)).json()) as {
      readonly components: { readonly replica: { readonly state: string } };
    };
    return report.components.replica.state === "ready";
  });
  return {
    issuer,
    upstream,
    redis,
    sidecar,
    startSidecar,
    async stop() {
      await sidecar.stop();
      await Promise.all([issuer.close(), upstream.close(), redis.stop()]);
    },
  };
}
