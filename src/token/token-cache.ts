// Remembers what was verified, by the whole token: found by a hash of a few of its bytes, and given out only where all
// of them are the same. It judges nothing.

import { randomInt } from "node:crypto";
import { LRUCache } from "lru-cache";

/**
 * Bytes a remembered token may take on average. One of 700 bytes takes about 3 KiB with what is compiled of it, and is
 * counted as 4 for its claims may be kept, so ordinary tokens fill the count and large ones fill this first.
 */
const BYTES_PER_TOKEN = 4096;
const ENTRY_BASE_BYTES = 2048;
/** The key itself, and its claims decoded: as text and as values. */
const ENTRY_BYTES_PER_TOKEN_BYTE = 3;

/** Bytes that are hashed, from the end: of a signature, and so nobody's to choose. */
const HASHED_BYTES = 12;
/** As the library's own defaults; given, or it would make some for every look-up. */
const AS_EVER = {};
/** FNV-1a's, for 32 bits. */
const HASH_PRIME = 0x01000193;

/** What is remembered of a token, with the token: one object a token. */
export interface Remembered {
  /** Whether it is of this token: by all of its bytes. */
  isOf(token: Buffer): boolean;
}

export interface TokenCache<V extends Remembered> {
  get(token: Buffer): V | undefined;
  /**
   * In place of what was remembered of `token`. Of two tokens with one hash (one pair in 2^32) the later is remembered.
   * `extraBytes`: what `value` takes beyond what it does for an ordinary token of that length.
   */
  set(token: Buffer, value: V, extraBytes?: number): void;
  delete(token: Buffer): void;
  /** The one last given out, or set, first. */
  values(): Iterable<V>;
}

export interface TokenCacheOptions<V> {
  /** At least 1. */
  readonly maxTokens: number;
  /** However small the other bound, one token of so many bytes fits. */
  readonly maxTokenBytes: number;
  /** Hash of a token; a seeded one of its last bytes unless a test says otherwise. */
  readonly hashOf?: (token: Buffer) => number;
  /** Made room for others; `released` is told too. */
  readonly forgotten?: (value: V) => void;
  /** Leaves the cache, whichever way. Must not call the cache. Not told of one that was too large to get in. */
  readonly released?: (value: V) => void;
}

export function createTokenCache<V extends Remembered>(options: TokenCacheOptions<V>): TokenCache<V> {
  const { maxTokens, maxTokenBytes, hashOf = seededHash(randomInt(2 ** 32)) } = options;
  const maxSize = Math.max(maxTokens * BYTES_PER_TOKEN, entryBytes(maxTokenBytes));
  const entries = new LRUCache<number, V>({
    max: maxTokens,
    maxSize,
    dispose(value, _hash, why) {
      if (why === "evict") options.forgotten?.(value);
      options.released?.(value);
    },
  });
  return {
    get(token) {
      const value = entries.get(hashOf(token), AS_EVER);
      return value !== undefined && value.isOf(token) ? value : undefined;
    },
    set(token, value, extraBytes = 0) {
      entries.set(hashOf(token), value, { size: entryBytes(token.length) + extraBytes });
    },
    delete(token) {
      const hash = hashOf(token);
      if (entries.peek(hash)?.isOf(token) === true) entries.delete(hash);
    },
    values: () => entries.values(),
  };
}

/** Nobody who does not know `seed` can tell which tokens share a hash. */
function seededHash(seed: number): (token: Buffer) => number {
  return (token) => {
    let hash = seed ^ token.length;
    for (let at = Math.max(0, token.length - HASHED_BYTES); at < token.length; at++) {
      hash = Math.imul(hash ^ (token[at] as number), HASH_PRIME);
    }
    return hash;
  };
}

function entryBytes(tokenBytes: number): number {
  return ENTRY_BASE_BYTES + ENTRY_BYTES_PER_TOKEN_BYTE * tokenBytes;
}
