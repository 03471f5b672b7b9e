// What an allow tells the upstream of its token, ready to be sent. Types alone: identity.ts compiles it.

import type { Assurance } from "../core/verdict.ts";
import type { IdentitySigner } from "../token/identity-signer.ts";

/** Compiled once per verified token: the part of every later answer that depends on its principal. */
export interface CompiledIdentity {
  /**
   * Fields of an OkHttpResponse, encoded: identity headers set or removed, and what is always removed. What is signed among
   * them says whether revocation was known, and has a time (epoch milliseconds).
   */
  okFields(assurance: Assurance, wallMs: number): Buffer;
}

export interface SignedHeader {
  /** Lower-cased. */
  readonly name: string;
  readonly signer: IdentitySigner;
}
