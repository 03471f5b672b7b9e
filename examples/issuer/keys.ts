// The issuer's two signing keys, made at start and kept in memory: one RSA (RS256), one elliptic (ES256).
import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from "jose";

/** What this issuer signs with. */
export type SigningAlgorithm = "RS256" | "ES256";

export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** What the JWKS says of it. */
  readonly publicJwk: JWK;
}

export type SigningKeys = Readonly<Record<SigningAlgorithm, SigningKey>>;

export async function makeSigningKeys(): Promise<SigningKeys> {
  const [rsa, elliptic] = await Promise.all([makeSigningKey("RS256"), makeSigningKey("ES256")]);
  return { RS256: rsa, ES256: elliptic };
}

async function makeSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { modulusLength: 2048, extractable: true });
  const kid = `${algorithm.toLowerCase()}-1`;
  return {
    algorithm,
    kid,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), alg: algorithm, use: "sig", kid },
  };
}
