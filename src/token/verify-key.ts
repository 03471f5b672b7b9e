// A public key bound to the one algorithm it may verify, and what follows from the two. It judges no key.

import type { KeyObject } from "node:crypto";
import type { Algorithm } from "../core/algorithm.ts";
import { SCHEMES } from "./algorithms.ts";

/** Unchanged keys keep their object across refreshes: a cached token asks whether its key is still in the set. */
export interface VerifyKey {
  readonly kid: string | undefined;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
  /** The only length a signature by this key can have, as it stands in a JWS. */
  readonly signatureBytes: number;
  /** Verifying with it is too slow to stand in the way of everyone else's Check. */
  readonly offLoop: boolean;
}

/** Verifying takes 0.1 ms at 4096 bits and the square of more. */
const MAX_RSA_BYTES_ON_LOOP = 512;

/** Binds `publicKey`, already judged to fit, to `algorithm`. */
export function verifyKeyOf(kid: string | undefined, algorithm: Algorithm, publicKey: KeyObject): VerifyKey {
  const scheme = SCHEMES[algorithm];
  if (scheme.keyType === "RSA") {
    const signatureBytes = Math.ceil((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
    return { kid, algorithm, publicKey, signatureBytes, offLoop: signatureBytes > MAX_RSA_BYTES_ON_LOOP };
  }
  // P-384 and P-521 take about 1 ms, P-256 and Ed25519 a tenth of it.
  const offLoop = algorithm === "ES384" || algorithm === "ES512";
  return { kid, algorithm, publicKey, signatureBytes: scheme.signatureBytes, offLoop };
}
