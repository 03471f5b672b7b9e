// Encodes what Envoy's access log and later filters learn of a decision (contract §3). Absent where unknown.

import type { DenyReason } from "../core/deny-reason.ts";
import type { Assurance } from "../core/verdict.ts";
import { structNumber, structString } from "./struct.ts";

/** What both answers tell of the rule that judged. */
export interface JudgedBy {
  /** Name of the tier; undefined: none was applied. */
  readonly tier: string | undefined;
  readonly rule: string | undefined;
}

/** Encodes fields of the Struct. Names of tiers and rules are configured, so what is kept of them is bounded. */
export interface MetadataEncoder {
  tier(name: string | undefined): Buffer;
  rule(name: string | undefined): Buffer;
}

const NOTHING: Buffer = Buffer.alloc(0);

export function createMetadataEncoder(): MetadataEncoder {
  const tiers = new Map<string, Buffer>();
  const rules = new Map<string, Buffer>();
  return {
    tier: (name) => remembered(tiers, "tier", name),
    rule: (name) => remembered(rules, "rule", name),
  };
}

function remembered(known: Map<string, Buffer>, key: string, name: string | undefined): Buffer {
  if (name === undefined) return NOTHING;
  let field = known.get(name);
  if (field === undefined) {
    field = structString(key, name);
    known.set(name, field);
  }
  return field;
}

export function allowMetadata(assurance: Assurance): Buffer {
  const words = [structString("decision", "allow"), structString("reason", "ok"), structString("assurance", assurance)];
  return Buffer.concat(words);
}

export function denyMetadata(reason: DenyReason): Buffer {
  return Buffer.concat([structString("decision", "deny"), structString("reason", reason)]);
}

export function stalenessMetadata(stalenessMs: number | undefined): Buffer {
  return stalenessMs === undefined ? NOTHING : structNumber("staleness_ms", Math.round(stalenessMs));
}

export function issuerMetadata(issuerId: string | undefined): Buffer {
  return issuerId === undefined ? NOTHING : structString("issuer", issuerId);
}

export function revocationMetadata(revocationId: string | undefined): Buffer {
  return revocationId === undefined ? NOTHING : structString("revocation_id", revocationId);
}
