// The fleet's pulse in JSON: the form of `GET /v1/fleet/summary`.

import { DENY_REASONS } from "../../core/deny-reason.ts";
import type { JsonSchema } from "../json-schema.ts";
import { QUANTILES, type FleetMemberPulse, type FleetPulse, type Rates } from "./pulse.ts";

/** Of a larger fleet those that lag most. */
const MAX_SHOWN = 500;

const NUMBER: JsonSchema = { type: "number", minimum: 0 };
const COUNT: JsonSchema = { type: "integer", minimum: 0 };
const RATES: JsonSchema = {
  type: ["object", "null"],
  additionalProperties: false,
  required: ["allowed", "denied", "failed_open"],
  description: "A second, over the last five; null: not watched for long enough.",
  properties: {
    allowed: NUMBER,
    denied: {
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(DENY_REASONS.map((reason) => [reason, NUMBER])),
    },
    failed_open: { ...NUMBER, description: "Of those allowed: while the store could not be asked." },
  },
};

export const SUMMARY: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["at", "store_up", "store_ms", "live", "failing_open", "rates", "latency_ms", "sidecars"],
  properties: {
    at: { type: "integer", description: "Epoch milliseconds." },
    store_up: {
      type: "boolean",
      description: "false: it cannot be asked, and what follows is of the sidecars that report to this control plane.",
    },
    store_ms: { ...NUMBER, description: "How long the store took to tell." },
    live: { ...COUNT, description: "Sidecars that report." },
    failing_open: { ...COUNT, description: "Those that let calls through now though the store cannot be asked." },
    rates: RATES,
    latency_ms: {
      type: ["object", "null"],
      additionalProperties: false,
      properties: Object.fromEntries(QUANTILES.map((quantile) => [`p${quantile}`, { type: ["number", "null"] }])),
      description: "Of all Checks of the last five seconds; null: there were none, or it took longer than is measured.",
    },
    sidecars: {
      type: "array",
      maxItems: MAX_SHOWN,
      description: "Those that lag most first.",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "version", "breaker", "lag_ms", "last_seen", "started_at", "rates"],
        properties: {
          id: { type: "string" },
          version: { type: "string" },
          breaker: { type: "string", enum: ["closed", "open", "half-open"] },
          lag_ms: { type: ["integer", "null"] },
          last_seen: COUNT,
          started_at: COUNT,
          rates: RATES,
        },
      },
    },
  },
};

export function summaryJson({ atMs, isStoreUp, storeMs, members, rates, latencyMs }: FleetPulse): object {
  return {
    at: atMs,
    store_up: isStoreUp,
    store_ms: rounded(storeMs),
    live: members.length,
    failing_open: members.filter((member) => (member.rates?.failedOpenPerS ?? 0) > 0).length,
    rates: ratesJson(rates),
    latency_ms:
      latencyMs === undefined
        ? null
        : Object.fromEntries(
            [...latencyMs].map(([quantile, ms]) => [`p${quantile}`, ms === Infinity ? null : rounded(ms)]),
          ),
    sidecars: members.toSorted(byLag).slice(0, MAX_SHOWN).map(memberJson),
  };
}

function byLag(a: FleetMemberPulse, b: FleetMemberPulse): number {
  if (lagOf(a) !== lagOf(b)) return lagOf(b) > lagOf(a) ? 1 : -1;
  return a.sidecar.id < b.sidecar.id ? -1 : 1;
}

function lagOf({ sidecar }: FleetMemberPulse): number {
  return sidecar.lagMs ?? Infinity;
}

function memberJson({ sidecar, rates }: FleetMemberPulse): object {
  return {
    id: sidecar.id,
    version: sidecar.version,
    breaker: sidecar.breaker,
    lag_ms: sidecar.lagMs ?? null,
    last_seen: sidecar.lastSeenMs,
    started_at: sidecar.startedAtMs,
    rates: ratesJson(rates),
  };
}

function ratesJson(rates: Rates | undefined): object | null {
  if (rates === undefined) return null;
  return {
    allowed: rounded(rates.allowedPerS),
    denied: Object.fromEntries([...rates.deniedPerS].map(([reason, perS]) => [reason, rounded(perS)])),
    failed_open: rounded(rates.failedOpenPerS),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
