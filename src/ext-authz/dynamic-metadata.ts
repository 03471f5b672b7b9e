// Encodes what Envoy's access log and later filters learn of a decision. Absent where unknown.

import type { DenyReason } from "../core/deny-reason.ts";
import type { Assurance } from "../core/verdict.ts";
import { structNumber, structString } from "./struct.ts";
import { bytesField } from "./protobuf-writer.ts";

/** CheckResponse.dynamic_metadata. */
const DYNAMIC_METADATA = 4;

/** What both answers tell of the token and the rule that judged. */
export interface JudgedBy {
  /** Name of the tier; undefined: none was applied. */
  readonly tier: string | undefined;
  readonly rule: string | undefined;
  /** Short id of the issuer, where it is known. */
  readonly issuerId: string | undefined;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** A field of the Struct whose number is its last eight bytes: copied, then overwritten there. */
const STALENESS = structNumber("staleness_ms", 0);
const NUMBER_BYTES = 8;

type Encoded = Map<string | undefined, Buffer>;

/**
 * The metadata of one outcome, encoded once for each combination of tier, rule and issuer. All three are closed or
 * configured, so what is kept is bounded.
 */
export class OutcomeMetadata {
  readonly #outcome: Buffer;
  readonly #last: Buffer;
  readonly #byTier = new Map<string | undefined, Map<string | undefined, Encoded>>();

  private constructor(outcome: readonly Buffer[], last: Buffer) {
    this.#outcome = Buffer.concat(outcome);
    this.#last = last;
  }

  /** `aged`: ends in a staleness of 0, which `writeStaleness` then overwrites. */
  static ofAllow(assurance: Assurance, aged: boolean): OutcomeMetadata {
    const words = [structString("decision", "allow"), structString("reason", "ok")];
    return new OutcomeMetadata([...words, structString("assurance", assurance)], aged ? STALENESS : NOTHING);
  }

  /** Of what is only observed, and would have been refused. */
  static ofObserved(reason: DenyReason): OutcomeMetadata {
    const words = [
      structString("decision", "allow"),
      structString("reason", "ok"),
      structString("assurance", "observed"),
    ];
    return new OutcomeMetadata([...words, structString("would_deny", reason)], NOTHING);
  }

  static ofDeny(reason: DenyReason): OutcomeMetadata {
    return new OutcomeMetadata([structString("decision", "deny"), structString("reason", reason)], NOTHING);
  }

  /** The whole field of a CheckResponse. */
  by({ tier, rule, issuerId }: JudgedBy): Buffer {
    return this.#byTier.get(tier)?.get(rule)?.get(issuerId) ?? this.#keep(tier, rule, issuerId);
  }

  /** As `by`, of a revocation that has an id. */
  withRevocation(by: JudgedBy, revocationId: string): Buffer {
    return bytesField(DYNAMIC_METADATA, this.#fields(by), structString("revocation_id", revocationId), this.#last);
  }

  #fields({ tier, rule, issuerId }: JudgedBy): Buffer {
    return Buffer.concat([this.#outcome, textOf("tier", tier), textOf("rule", rule), textOf("issuer", issuerId)]);
  }

  #keep(tier: string | undefined, rule: string | undefined, issuerId: string | undefined): Buffer {
    const field = bytesField(DYNAMIC_METADATA, this.#fields({ tier, rule, issuerId }), this.#last);
    const byRule = getOrAdd(this.#byTier, tier, () => new Map<string | undefined, Encoded>());
    getOrAdd(byRule, rule, (): Encoded => new Map()).set(issuerId, field);
    return field;
  }
}

/** To the millisecond, into the end of `response`: that of the metadata of an aged allow. */
export function writeStaleness(response: Buffer, stalenessMs: number): void {
  response.writeDoubleLE(Math.round(stalenessMs), response.length - NUMBER_BYTES);
}

function getOrAdd<V>(map: Map<string | undefined, V>, key: string | undefined, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

function textOf(key: string, value: string | undefined): Buffer {
  return value === undefined ? NOTHING : structString(key, value);
}
