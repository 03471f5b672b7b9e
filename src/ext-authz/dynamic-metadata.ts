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

const NOTHING: Buffer = Buffer.alloc(0);

/** A field of the Struct whose number is its last eight bytes: copied, then overwritten there. */
const STALENESS = structNumber("staleness_ms", 0);
const NUMBER_BYTES = 8;

/**
 * The fields that depend on nothing but the outcome, the tier and the rule, encoded once for each combination. All
 * three are closed or configured, so what is kept is bounded.
 */
export class OutcomeMetadata {
  readonly #outcome: Buffer;
  readonly #byTier = new Map<string | undefined, Map<string | undefined, Buffer>>();

  private constructor(outcome: readonly Buffer[]) {
    this.#outcome = Buffer.concat(outcome);
  }

  static ofAllow(assurance: Assurance): OutcomeMetadata {
    const words = [structString("decision", "allow"), structString("reason", "ok")];
    return new OutcomeMetadata([...words, structString("assurance", assurance)]);
  }

  static ofDeny(reason: DenyReason): OutcomeMetadata {
    return new OutcomeMetadata([structString("decision", "deny"), structString("reason", reason)]);
  }

  by({ tier, rule }: JudgedBy): Buffer {
    return this.#byTier.get(tier)?.get(rule) ?? this.#encode(tier, rule);
  }

  #encode(tier: string | undefined, rule: string | undefined): Buffer {
    const fields = Buffer.concat([this.#outcome, textOf("tier", tier), textOf("rule", rule)]);
    let byRule = this.#byTier.get(tier);
    if (byRule === undefined) this.#byTier.set(tier, (byRule = new Map<string | undefined, Buffer>()));
    byRule.set(rule, fields);
    return fields;
  }
}

export function issuerMetadata(issuerId: string | undefined): Buffer {
  return textOf("issuer", issuerId);
}

export function revocationMetadata(revocationId: string | undefined): Buffer {
  return textOf("revocation_id", revocationId);
}

/** What `writeStaleness` completes, where it stands at the end of the answer. */
export function stalenessMetadata(stalenessMs: number | undefined): Buffer {
  return stalenessMs === undefined ? NOTHING : STALENESS;
}

/** To the millisecond, into the end of `response`. */
export function writeStaleness(response: Buffer, stalenessMs: number | undefined): void {
  if (stalenessMs !== undefined) response.writeDoubleLE(Math.round(stalenessMs), response.length - NUMBER_BYTES);
}

function textOf(key: string, value: string | undefined): Buffer {
  return value === undefined ? NOTHING : structString(key, value);
}
