// One who may send statements about sessions and users: what his logout tokens and security event tokens must look
// like. Verifies them within a deadline of their own; remembers none.

import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { Result } from "../core/result.ts";
import type { Signer, TokenKind } from "./token-kind.ts";
import { createVerification, type Verified, type VerifyFailure } from "./verification.ts";

export interface Sender extends Signer {
  /** As whom we are addressed. */
  readonly audiences: readonly string[];
  readonly clockSkewMs: number;
  /** Bound of exp − iat, where there is an exp. */
  readonly maxLifetimeMs: number;
  /** Short id of the issuer whose tokens he speaks of. */
  readonly revokes: string;
}

/** Settles within the deadline; never rejects. */
export type VerifyStatement<C> = (statement: Buffer) => Promise<Result<Verified<Sender, C>, VerifyFailure>>;

export interface StatementOptions<C> {
  readonly kind: TokenKind<Sender, C>;
  /** Each `issuer` once. */
  readonly senders: readonly Sender[];
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly observer: Pick<Observer, "verified" | "issuerClockAhead">;
}

export function createStatementVerifier<C>(options: StatementOptions<C>): VerifyStatement<C> {
  const { kind, senders, maxBytes, timeoutMs, clock, observer } = options;
  const verification = createVerification({ kind, signers: senders, maxTokenBytes: maxBytes, clock, observer });
  return (statement) => {
    const now = clock.now();
    return new Promise((resolve) =>
      verification.verify(statement, now, now.monotonicMs + timeoutMs, undefined, resolve),
    );
  };
}
