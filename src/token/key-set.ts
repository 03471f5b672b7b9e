// The keys of one issuer as of one reading of its JWKS document.

import type { KeyObject } from "node:crypto";
import type { Algorithm } from "./algorithms.ts";

/** A public key bound to the one algorithm it may verify. Unchanged keys keep their object across refreshes. */
export interface VerifyKey {
  readonly kid: string | undefined;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

export interface KeySet {
  readonly keys: ReadonlySet<VerifyKey>;
  readonly byKid: ReadonlyMap<string, VerifyKey>;
}
