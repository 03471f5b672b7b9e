// What a verifier answers, whichever way it found out: by a signature, by asking the issuer, or by Envoy's word. Verifies
// nothing.

import type { Principal } from "../core/principal.ts";
import type { Result } from "../core/result.ts";
import type { VerifyFailure } from "./verification.ts";

/** A verified token with what other rooms compiled of it once (its revocation subject, its identity headers). */
export interface VerifiedToken<T> {
  readonly principal: Principal;
  readonly compiled: T;
}

export type VerifyDone<T> = (outcome: Result<VerifiedToken<T>, VerifyFailure>) => void;
