// The cluster over which Envoy asks: what turns load, a restart or a lost peer into calls without an answer.

import { endpointsOf, isLocal, shown } from "../endpoints.ts";
import type { Tell } from "../finding.ts";
import { at, durationMsAt, has, listAt, numberAt, textAt, typeOf } from "../settings.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";

export const CLUSTER_RULES = {
  "cluster-missing": {
    severity: "unsafe",
    want: "a cluster of this name",
    why: "No call is answered, and failure_mode_allow alone decides.",
    see: "cluster",
  },
  "cluster-not-http2": {
    severity: "unsafe",
    want: "explicit_http_config: { http2_protocol_options: … } in typed_extension_protocol_options",
    why: "gRPC needs HTTP/2. No call is answered, and failure_mode_allow alone decides.",
    see: "protocol",
  },
  "cluster-no-keepalive": {
    severity: "slow",
    want: "http2_protocol_options: { connection_keepalive: { interval: 5s, timeout: 1s } }",
    why: "Each worker keeps one connection for days. Without pings a peer that vanished is noticed when the kernel gives up; until then every call runs into the time-out.",
    see: "protocol",
  },
  "cluster-no-health-check": {
    severity: "slow",
    want: "health_checks with grpc_health_check: { service_name: envoy.service.auth.v3.Authorization }",
    why: "A sidecar that drains says NOT_SERVING before it stops. Nobody listens, and calls go into a server that closes.",
    see: "healthCheck",
  },
  "cluster-limits": {
    severity: "slow",
    want: "circuit_breakers: { thresholds: [{ max_requests: …, max_pending_requests: …, max_retries: … }] }, above limits.maxInFlight of Portcullis (of all its workers together)",
    why: "Past these limits (1024 unless set, 3 of retries) Envoy refuses by itself: a transport error, for failure_mode_allow to decide. Portcullis refuses with `overloaded`, and counts it; and where a sidecar is replaced, all its calls are tried again at once.",
    see: "circuitBreaker",
  },
  "cluster-slow-connect": {
    severity: "slow",
    want: "connect_timeout: 0.1s, below the time-out of a Check",
    why: "A connection that does not come about takes all the time there is, and leaves none for a second try.",
    see: "cluster",
  },
  "cluster-ejects": {
    severity: "note",
    want: "health checks in place of outlier_detection",
    why: "It ejects the sidecar for a few errors, and with it the only one that can answer. Health checks ask it instead.",
    see: "outlier",
  },
  "tokens-in-the-clear": {
    severity: "note",
    want: "a sidecar on this machine (127.0.0.1 or a unix socket), or TLS to it",
    why: "Each Check carries the caller's token, and each answer a decision: whoever sits between can read the one and make the other.",
    see: "edge",
  },
} as const;

/** What counts where nothing is set, by circuit_breaker.proto. */
const DEFAULT_LIMITS = { max_requests: 1024, max_pending_requests: 1024, max_retries: 3 } as const;
/** Envoy's, of connect_timeout. */
const DEFAULT_CONNECT_MS = 5_000;
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** `timeoutMs` of the Checks over it; 0: none. */
export function judgeCluster(
  cluster: unknown,
  timeoutMs: number,
  facts: SidecarFacts,
  say: Tell<keyof typeof CLUSTER_RULES>,
): void {
  const where = `cluster ${textAt(cluster, "name") ?? "?"}`;
  judgeProtocol(cluster, where, say);
  if (!listAt(cluster, "health_checks").some((check) => has(check, "grpc_health_check")))
    say("cluster-no-health-check", where, "grpc_health_check: unset");
  judgeLimits(cluster, where, facts, say);
  const connectMs = durationMsAt(cluster, "connect_timeout") ?? DEFAULT_CONNECT_MS;
  if (timeoutMs > 0 && connectMs >= timeoutMs)
    say("cluster-slow-connect", where, `connect_timeout: ${textAt(cluster, "connect_timeout") ?? "unset"}`);
  if (has(cluster, "outlier_detection")) say("cluster-ejects", where, "outlier_detection");
  const remote = isEncrypted(cluster) ? [] : endpointsOf(cluster).filter((endpoint) => !isLocal(endpoint));
  if (remote.length > 0) say("tokens-in-the-clear", where, `plaintext to ${remote.map(shown).join(", ")}`);
}

function isEncrypted(cluster: unknown): boolean {
  return has(cluster, "transport_socket") || listAt(cluster, "transport_socket_matches").length > 0;
}

function judgeProtocol(cluster: unknown, where: string, say: Tell<keyof typeof CLUSTER_RULES>): void {
  const http2 = http2Of(cluster);
  if (http2 === undefined) say("cluster-not-http2", where, "http2_protocol_options: unset");
  else if (!has(http2, "connection_keepalive", "interval"))
    say("cluster-no-keepalive", where, "connection_keepalive: unset");
}

/** In the options of today or in the field of old. */
function http2Of(cluster: unknown): unknown {
  const options = at(cluster, "typed_extension_protocol_options", HTTP_OPTIONS);
  if (typeOf(options) === "") return at(cluster, "http2_protocol_options");
  const explicit = at(options, "explicit_http_config", "http2_protocol_options");
  const downstream = at(options, "use_downstream_protocol_config", "http2_protocol_options");
  return explicit ?? at(options, "auto_config", "http2_protocol_options") ?? downstream;
}

function judgeLimits(
  cluster: unknown,
  where: string,
  facts: SidecarFacts,
  say: Tell<keyof typeof CLUSTER_RULES>,
): void {
  // Checks have the priority DEFAULT, which the JSON of a dump leaves out.
  const limits = listAt(cluster, "circuit_breakers", "thresholds").find((of) => !has(of, "priority"));
  const low = Object.entries(DEFAULT_LIMITS)
    .filter(([name]) => name !== "max_retries" || !has(limits, "retry_budget")) // which counts in its place
    .map(([name, fallback]) => ({ name, fallback, limit: numberAt(limits, name) }))
    .filter(({ limit, fallback }) => (limit ?? fallback) <= facts.maxInFlightCount)
    .map(({ name, limit, fallback }) => `${name}: ${limit ?? `unset, ${fallback}`}`);
  if (low.length > 0) say("cluster-limits", where, low.join(", "));
}
