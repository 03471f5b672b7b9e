// Names a key by 128 bits. Nobody outside the process can find two keys of one name: a salt of its own goes in first.

import { hash, randomBytes } from "node:crypto";

/** Words of 32 bits in one fingerprint. */
export const FINGERPRINT_WORDS = 4;

export interface Fingerprints {
  readonly salt: string;
  /** The fingerprints of `keys` one after the other. A fingerprint's first word is never 0. */
  of(keys: readonly string[]): Int32Array;
}

/** Unless it is given, each call has a salt of its own: fingerprints of two never meet. Truncated SHA-256 of salt and key. */
export function createFingerprints(salt: string = randomBytes(16).toString("hex")): Fingerprints {
  return {
    salt,
    of(keys) {
      const words = new Int32Array(keys.length * FINGERPRINT_WORDS);
      for (let i = 0; i < keys.length; i += 1) {
        // Text of one byte a character: a buffer would be memory off the heap for each, which costs more than the hash.
        const digest = hash("sha256", salt + (keys[i] ?? ""), "binary");
        const offset = i * FINGERPRINT_WORDS;
        for (let word = 0; word < FINGERPRINT_WORDS; word += 1) words[offset + word] = wordOf(digest, word * 4);
        if (words[offset] === 0) words[offset] = 1; // 0 marks an empty place of the table
      }
      return words;
    },
  };
}

/** The four bytes from `at` on, little-endian. */
function wordOf(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  );
}
