// What a kind of signed token is: rules on its type and claims that exclude every other kind (RFC 8725 §3.11, §3.12). The
// steps from bytes to a good signature are the same for all, and know no kind.

import type { Algorithm } from "../core/algorithm.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Result } from "../core/result.ts";
import type { JsonObject } from "./json.ts";
import type { KeySource } from "./key-source.ts";
import type { VerifyKey } from "./verify-key.ts";

/** Whoever signs: known by `iss`, and by keys. */
export interface Signer {
  /** Short, as in keys, metrics and the API. */
  readonly id: string;
  /** Equals the token's `iss` byte for byte. */
  readonly issuer: string;
  readonly algorithms: readonly Algorithm[];
  /** Must have been created with the same `algorithms`. */
  readonly keys: KeySource;
}

export type ClaimFault = Extract<
  DenyReason,
  "claim_invalid" | "wrong_type" | "wrong_audience" | "expired" | "not_yet_valid" | "lifetime_too_long"
>;

export interface TokenKind<S extends Signer, C> {
  /** Whether the header's `typ` is one of this kind; asked before any key is looked for. */
  typFits(signer: S, typ: unknown): boolean;
  /** What a token says; `claims` are those under the good signature of `key`, whose `iss` picked `signer`. */
  read(claims: JsonObject, signer: S, key: VerifyKey, wallMs: number): Result<C, ClaimFault>;
}
