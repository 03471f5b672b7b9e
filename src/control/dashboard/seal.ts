// Seals what a browser keeps for us: it can neither read nor change it, nor use what was sealed for one purpose for
// another (AES-256-GCM). It knows no session.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface Seal {
  /** base64url. */
  close(purpose: string, value: unknown): string;
  /** undefined: not sealed here, for this purpose. */
  open(purpose: string, text: string): unknown;
}

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
/** NIST SP 800-38D §8.2.2: drawn at random, for far fewer than 2^32 seals. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Control planes with the same `secret` open each other's seals; undefined: this process alone opens them. */
export function createSeal(secret: string | undefined): Seal {
  const material = secret === undefined ? randomBytes(KEY_BYTES) : Buffer.from(secret);
  const key = Buffer.from(hkdfSync("sha256", material, "", "portcullis dashboard", KEY_BYTES));
  return {
    close(purpose, value) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(purpose, text) {
      const bytes = Buffer.from(text, "base64url");
      if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      try {
        const opened = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
        return JSON.parse(opened.toString()) as unknown;
      } catch {
        return undefined;
      }
    },
  };
}
