// For `dev` without a configuration: an issuer of one's own, so that there is something to verify. It makes a key
// and one access token; it serves nothing, and no other command knows it.

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "./private-file.ts";

const ISSUER = "https://dev-issuer.invalid";
const AUDIENCE = "dev-api";
const KEY_ID = "dev-1";
const TOKEN_LIFETIME_S = 3_600;

export interface DevIssuer {
  /** YAML of a whole configuration that trusts this issuer; paths are relative to the folder. */
  readonly configText: string;
  /** 0600, holds an access token of user `alice` that is good for an hour. */
  readonly tokenFile: string;
}

/** Keeps everything in `folder`. The key outlives a restart, so that tokens do. Throws what the file system does. */
export function createDevIssuer(folder: string, nowS: number): DevIssuer {
  const key = keyIn(join(folder, "dev-issuer.key.pem"));
  const jwk = { ...createPublicKey(key).export({ format: "jwk" }), kid: KEY_ID, alg: "ES256", use: "sig" };
  writePrivateFile(join(folder, "dev-issuer.jwks.json"), `${JSON.stringify({ keys: [jwk] })}\n`);
  const tokenFile = join(folder, "dev-access.jwt");
  writePrivateFile(tokenFile, `${accessToken(key, nowS)}\n`);
  return { configText: CONFIG_TEXT, tokenFile };
}

const CONFIG_TEXT = `issuers:
  - issuer: ${ISSUER}
    id: main
    jwks: { file: dev-issuer.jwks.json }
    audiences: [${AUDIENCE}]
    algorithms: [ES256]
store: { type: embedded, path: portcullis.db }
routes:
  - { path: /healthz, anonymous: true }
  - { path: /admin/**, tier: critical, scopes: [admin] }
  - { path: /api/**, methods: [GET, HEAD], tier: low }
  - { path: /api/**, tier: standard }
`;

function keyIn(file: string): KeyObject {
  if (existsSync(file)) return createPrivateKey(readFileSync(file));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writePrivateFile(file, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}

function accessToken(key: KeyObject, nowS: number): string {
  const header = { typ: "at+jwt", alg: "ES256", kid: KEY_ID };
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "alice",
    client_id: "dev",
    scope: "read write",
    sid: randomUUID(),
    jti: randomUUID(),
    iat: nowS,
    exp: nowS + TOKEN_LIFETIME_S,
  };
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}
