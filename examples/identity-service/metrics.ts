// What the service counts, for Prometheus. Labels are closed sets: never a name, a token or an address.
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";

export interface Metrics {
  readonly registry: Registry;
  readonly logins: Counter<"outcome">;
  readonly refreshes: Counter<"result">;
  readonly refreshReuse: Counter;
  readonly suspiciousUse: Counter<"where" | "difference" | "action">;
  readonly sessionsEnded: Counter<"cause">;
  readonly revocationSent: Counter<"result">;
  readonly revocationsPending: Gauge;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    logins: new Counter({
      name: "identity_logins_total",
      help: "Passwords offered, by outcome: accepted, refused, limited.",
      labelNames: ["outcome"],
      registers,
    }),
    refreshes: new Counter({
      name: "identity_refreshes_total",
      help: "Refresh tokens offered, by result: rotated, grace (used again for a lost answer), refused.",
      labelNames: ["result"],
      registers,
    }),
    refreshReuse: new Counter({
      name: "identity_refresh_reuse_total",
      help: "Refresh tokens used again after their successor: somebody has a copy. Each ended its session.",
      registers,
    }),
    suspiciousUse: new Counter({
      name: "identity_suspicious_use_total",
      help: "Uses from elsewhere than before: where it was seen, what differs (device, network, country, device+network, device+country), what was done.",
      labelNames: ["where", "difference", "action"],
      registers,
    }),
    sessionsEnded: new Counter({
      name: "identity_sessions_ended_total",
      help: "Sessions ended before their time, by cause.",
      labelNames: ["cause"],
      registers,
    }),
    revocationSent: new Counter({
      name: "identity_revocations_sent_total",
      help: "Revocations sent to Portcullis, by result: acknowledged, failed (and sent again).",
      labelNames: ["result"],
      registers,
    }),
    revocationsPending: new Gauge({
      name: "identity_revocations_pending",
      help: "Revocations that Portcullis has not acknowledged. Above 0 for long: tokens live on that should be dead.",
      registers,
    }),
  };
}
