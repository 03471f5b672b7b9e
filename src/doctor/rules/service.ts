// How long and how often Envoy asks: the gRPC service of a filter, or of a route in its place.

import type { Tell } from "../finding.ts";
import { durationMsAt, has, textAt } from "../settings.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";

export const SERVICE_RULES = {
  "timeout-unset": {
    severity: "note",
    want: "timeout: 0.25s, longer than the deadline of Portcullis",
    why: "Unset it is 200 ms here, 10 s in Envoy Gateway and 600 s in Istio: write down the one that you mean.",
    see: "grpcService",
  },
  "timeout-short": {
    severity: "slow",
    want: "timeout: 0.25s, longer than the deadline of Portcullis",
    why: "Portcullis keeps 20 % below what Envoy gives it: calls that it would still have answered in its own time are refused.",
    see: "grpcService",
  },
  "timeout-long": {
    severity: "slow",
    want: "timeout: 0.25s",
    why: "Portcullis answers within its own deadline. An answer that takes longer comes from nobody, and calls hang for it.",
    see: "timeouts",
  },
  "no-retry": {
    severity: "slow",
    want: 'retry_policy: { retry_on: "connect-failure,refused-stream,reset", num_retries: 2 } beside envoy_grpc',
    why: "Calls that are under way while a sidecar is replaced get no answer. A Check may be asked again without harm.",
    see: "grpcService",
  },
  "google-grpc": {
    severity: "note",
    want: "envoy_grpc with a cluster",
    why: "With google_grpc there is no cluster whose keepalive, health checks and limits Envoy holds to.",
    see: "grpcService",
  },
} as const;

/** Far beyond any deadline that a Check may have. */
const LONG_MS = 2_000;

export function judgeService(
  service: unknown,
  where: string,
  facts: SidecarFacts,
  say: Tell<keyof typeof SERVICE_RULES>,
): void {
  const timeoutMs = durationMsAt(service, "timeout");
  const found = `timeout: ${textAt(service, "timeout") ?? "unset"}`;
  if (timeoutMs === undefined) say("timeout-unset", where, found);
  // 0 is no time-out at all.
  else if (timeoutMs === 0 || timeoutMs > Math.max(LONG_MS, 2 * facts.deadlineMs)) say("timeout-long", where, found);
  else if (timeoutMs <= facts.deadlineMs) say("timeout-short", where, found);
  if (!has(service, "retry_policy")) say("no-retry", where, "retry_policy: unset");
  if (has(service, "google_grpc")) say("google-grpc", where, "google_grpc");
}
