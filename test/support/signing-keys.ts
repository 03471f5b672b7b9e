// Makes private keys as files hold them that sign identity.
import { generateKeyPairSync } from "node:crypto";

/** PEM. */
export function signingKeyPem(algorithm: "EdDSA" | "ES256"): string {
  const pair =
    algorithm === "EdDSA" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
