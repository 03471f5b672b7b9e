// The signed identity of one token, for one call after another: signed when it is first asked for, and again while half of
// its time is left. Whatever else the upstream is told of the token is in the same bytes.

import type { Assurance } from "../core/verdict.ts";
import { inOwnMemory } from "../resilience/own-memory.ts";
import type { IdentityStatement, RevocationWord, SignedIdentity } from "../token/identity-signer.ts";
import { headerOption } from "./header-option.ts";
import type { CompiledIdentity, SignedHeader } from "./compiled-identity.ts";

/** Calls overlap: one that began earlier than the last signature is no sign of a clock that was set back. */
const CLOCK_STEP_MS = 1_000;

interface Signed extends Pick<SignedIdentity, "signedAtMs" | "renewAtMs"> {
  readonly fields: Buffer;
}

export class SignedFields implements CompiledIdentity {
  readonly #header: SignedHeader;
  readonly #statement: IdentityStatement;
  readonly #plain: Buffer;
  #checked: Signed | undefined;
  #unknown: Signed | undefined;

  /** `plain`: the fields of all other headers, encoded. */
  constructor(header: SignedHeader, statement: IdentityStatement, plain: Buffer) {
    this.#header = header;
    this.#statement = statement;
    this.#plain = plain;
  }

  okFields(assurance: Assurance, wallMs: number): Buffer {
    if (assurance === "fail-open") {
      if (!isCurrent(this.#unknown, wallMs)) this.#unknown = this.#sign("unknown", wallMs);
      return this.#unknown.fields;
    }
    if (!isCurrent(this.#checked, wallMs)) this.#checked = this.#sign("checked", wallMs);
    return this.#checked.fields;
  }

  #sign(revocation: RevocationWord, wallMs: number): Signed {
    const { name, signer } = this.#header;
    const { compact, signedAtMs, renewAtMs } = signer.sign(this.#statement, revocation, wallMs);
    return { fields: inOwnMemory(headerOption(name, compact), this.#plain), signedAtMs, renewAtMs };
  }
}

function isCurrent(signed: Signed | undefined, wallMs: number): signed is Signed {
  return signed !== undefined && wallMs < signed.renewAtMs && wallMs > signed.signedAtMs - CLOCK_STEP_MS;
}
