// The ladder (design §1): finds evidence about one token's revocation in the order of cost. It never decides.

import type { Instant } from "../core/clock.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Tier } from "../core/tier.ts";
import type { Span } from "../core/tracing.ts";
import type { RevocationSubject } from "./subject.ts";

export interface Guard {
  /**
   * Calls `done` exactly once: before returning where memory answers, otherwise at the latest about `deadlineAtMs`
   * (monotonic clock). `now` must have been read after the Check began.
   */
  judge(
    subject: RevocationSubject,
    tier: Tier,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (evidence: Evidence) => void,
  ): void;
}
