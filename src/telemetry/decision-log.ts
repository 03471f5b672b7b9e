// The decision log: which decisions become a line, and what of them may stand in it. It never sees a token.

import { hash, randomBytes } from "node:crypto";
import type { Decision } from "../core/observer.ts";
import { createLogger } from "./log.ts";
import type { LogOutput } from "./log-output.ts";

/** Hex digits kept of a subject's hash: 128 bits, so that two subjects never share one. */
const SUBJECT_HASH_DIGITS = 32;

/** Path and method are a caller's text: a line stays a line's length. */
const MAX_PATH_LENGTH = 1024;
/** Longer than any registered one (RFC 9110 §16.1). */
const MAX_METHOD_LENGTH = 32;

export interface DecisionLogOptions {
  readonly output: Pick<LogOutput, "write">;
  /** Share, 0 to 1, of denials that are logged, and of calls let through by fail-open or only observed, which nobody must overlook. */
  readonly denyRatio: number;
  /** Share, 0 to 1, of all other allowed calls that are logged. */
  readonly allowRatio: number;
  /** Write the subject as it is, not its hash. */
  readonly plainSubject: boolean;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
  /** Hex digits of 32 bytes; made at start where left out. Of all threads of a process the same. */
  readonly subjectKey?: string | undefined;
}

export interface DecisionLog {
  /** Writes a line, or not, by the ratios. */
  record(decision: Decision): void;
}

/** For one process: a key to hash subjects with. */
export function createSubjectKey(): string {
  return randomBytes(32).toString("hex");
}

/**
 * A subject is written as `subject_hash`: SHA-256 under a key made at start and never shown, so that a list of known
 * subjects does not give them away. Lines of one process can be compared with each other, no further.
 */
export function createDecisionLog(options: DecisionLogOptions): DecisionLog {
  const { denyRatio, allowRatio, plainSubject, random, subjectKey = createSubjectKey() } = options;
  const logger = createLogger(options.output);

  function subjectField(subject: string | undefined): { subject?: string; subject_hash?: string } {
    if (subject === undefined) return {};
    if (plainSubject) return { subject };
    // The key's length is fixed: no two pairs of key and subject are the same text.
    // Not an HMAC, at a tenth of its time: what that adds is that nobody can extend a message whose hash he knows, which
    // half a digest does not allow either, and here nobody takes a hash for a proof.
    return { subject_hash: hash("sha256", subjectKey + subject, "hex").slice(0, SUBJECT_HASH_DIGITS) };
  }

  return {
    record(decision) {
      const asDenial =
        decision.outcome === "deny" || decision.assurance === "fail-open" || decision.wouldDeny !== undefined;
      if (random() >= (asDenial ? denyRatio : allowRatio)) return;
      logger.info(
        {
          decision: decision.outcome,
          reason: decision.reason,
          tier: decision.tier,
          assurance: decision.assurance,
          staleness_ms: rounded(decision.stalenessMs),
          issuer: decision.issuerId,
          rule: decision.rule,
          would_deny: decision.wouldDeny,
          sender: decision.senderFlaw,
          revoked_by: decision.revokedBy?.kind,
          revocation_id: decision.revokedBy?.revocationId,
          duration_ms: rounded(decision.durationMs),
          method: decision.method?.slice(0, MAX_METHOD_LENGTH),
          path: decision.path?.slice(0, MAX_PATH_LENGTH),
          ...subjectField(decision.subject),
          trace_id: decision.traceId,
        },
        "decision",
      );
    },
  };
}

/** To the microsecond. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}
