// One call's new token, from when it comes until it is answered. It verifies nothing, and answers once.

import type { Instant } from "../core/clock.ts";
import { err, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import type { Work } from "../resilience/loop-share.ts";
import type { VerifyFailure } from "./verification.ts";
import type { VerifiedToken, VerifyDone } from "./verified-token.ts";

/** All that is made of it before its turn: many wait together, and the collector copies what is there of each (ADR 25). */
export class NewToken<T> implements Work {
  readonly token: Buffer;
  readonly askedAt: Instant;
  readonly deadlineAtMs: number;
  readonly span: Span | undefined;
  /** Whether its turn is another than the one in which it came. */
  isLater: boolean;
  readonly #judge: (newToken: NewToken<T>) => void;
  readonly #done: VerifyDone<T>;
  #isAnswered: boolean;

  constructor(
    judge: (newToken: NewToken<T>) => void,
    token: Buffer,
    askedAt: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
  ) {
    this.token = token;
    this.askedAt = askedAt;
    this.deadlineAtMs = deadlineAtMs;
    this.span = span;
    this.isLater = false;
    this.#judge = judge;
    this.#done = done;
    this.#isAnswered = false;
  }

  run(): void {
    try {
      this.#judge(this);
    } catch {
      this.answer(err({ reason: "internal_error", issuerId: undefined }));
    }
  }

  drop(): void {
    this.answer(err({ reason: "overloaded", issuerId: undefined }));
  }

  answer(outcome: Result<VerifiedToken<T>, VerifyFailure>): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    if (!outcome.ok) this.span?.fail(outcome.error.reason);
    this.span?.end();
    this.#done(outcome);
  }
}
