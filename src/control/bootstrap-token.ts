// Bootstrap tokens: long random strings known here only by their SHA-256. They never expire and stay valid when
// everything is revoked, so that somebody can still lift it.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { err, ok } from "../core/result.ts";
import type { Authenticator, Caller } from "./access.ts";

export interface BootstrapToken {
  readonly name: string;
  /** Hex of the SHA-256 of the token's bytes. */
  readonly sha256: string;
  readonly scopes: readonly string[];
}

/** 256 bits: a plain SHA-256 of it cannot be searched, so no slow hash is needed. */
const TOKEN_BYTES = 32;

const SHA256_HEX = /^[0-9a-fA-F]{64}$/;

/** A fresh bootstrap token: 43 base64url characters, and the hash that goes into the configuration. */
export function createBootstrapToken(): { readonly token: string; readonly sha256: string } {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  return { token, sha256: createHash("sha256").update(token).digest("hex") };
}

/** Those that are configured. */
export interface BootstrapTokens extends Authenticator {
  find(token: string): { readonly caller: Caller; readonly sha256: string } | undefined;
  /** Whose the token of this hash is, and what it may by now; undefined: none of them has it. */
  callerOf(sha256: string): Caller | undefined;
}

/** Authenticates by hash. All hashes are compared in constant time, so an answer's time tells nothing of any. */
export function createBootstrapAuthenticator(tokens: readonly BootstrapToken[]): BootstrapTokens {
  const known = tokens.map(({ name, sha256, scopes }) => {
    if (!SHA256_HEX.test(sha256)) throw new RangeError(`the sha256 of token ${name} is not 64 hex digits`);
    return { caller: { name, scopes }, digest: Buffer.from(sha256, "hex") };
  });
  const withDigest = (digest: Buffer): (typeof known)[number] | undefined => {
    let found: (typeof known)[number] | undefined;
    for (const candidate of known) if (timingSafeEqual(candidate.digest, digest)) found = candidate;
    return found;
  };
  const find = (token: string): ReturnType<BootstrapTokens["find"]> => {
    const found = withDigest(createHash("sha256").update(token).digest());
    return found === undefined ? undefined : { caller: found.caller, sha256: found.digest.toString("hex") };
  };
  return {
    find,
    callerOf: (sha256) => withDigest(Buffer.from(sha256, "hex"))?.caller,
    async authenticate(token) {
      const found = find(token);
      return found === undefined ? err({ cause: "unknown_token" }) : ok(found.caller);
    },
  };
}
