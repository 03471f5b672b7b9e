// What is kept of a token that came once: its bytes, and what they do not say. Its record serves other tokens later, with the room
// of its bytes and never with its TokenMemory, so that tokens which never come again leave next to nothing for the collector to
// copy and to mark (ADR 25). It judges nothing.

import type { TokenMemory } from "../core/token-memory.ts";
import type { Issuer } from "./issuer.ts";
import type { KeySet } from "./key-set.ts";
import type { FoundGood } from "./found-good.ts";
import type { Remembered } from "./token-cache.ts";
import type { VerifyKey } from "./verify-key.ts";

/**
 * A token that makes room for the next needs one. More are free where many came again or went stale, or where a large one
 * made room for itself; what they hold lies outside of the cache's bound, at 16 KiB a token a megabyte at most.
 */
const MAX_FREE = 64;
/** Room is lent again where a token fills at least this part of it: what is kept stays in proportion to its bytes. */
const LEAST_FILLED = 0.5;
/** Nobody's token has so few bytes. */
const FREE = -1;

/**
 * The record of one token, from `OnceSeenRecords.take` until it is given back. Nothing of it may be held on to: whoever needs
 * its bytes for longer copies them.
 */
export class OnceSeen implements Remembered, FoundGood {
  /** As of a token that came again it would be what every hit is answered with. */
  readonly outcome: undefined;
  issuer: Issuer;
  key: VerifyKey;
  keysSeen: KeySet;
  issuedAtS: number;
  expiresAtS: number;
  notBeforeS: number | undefined;
  seenAtMs: number;
  /** The token's own, and never another's: calls in flight may still write to it. */
  memory: TokenMemory;
  #room: Buffer;
  #byteCount: number;

  constructor(token: Buffer, facts: FoundGood, memory: TokenMemory) {
    this.outcome = undefined;
    this.issuer = facts.issuer;
    this.key = facts.key;
    this.keysSeen = facts.keysSeen;
    this.issuedAtS = facts.issuedAtS;
    this.expiresAtS = facts.expiresAtS;
    this.notBeforeS = facts.notBeforeS;
    this.seenAtMs = facts.seenAtMs;
    this.memory = memory;
    this.#room = Buffer.allocUnsafeSlow(token.length);
    this.#byteCount = token.copy(this.#room);
  }

  /** Another token's from now on. */
  lend(token: Buffer, facts: FoundGood, memory: TokenMemory): void {
    // First what can fail: a record is one token's or another's, never half of each.
    const fits = token.length <= this.#room.length && token.length >= this.#room.length * LEAST_FILLED;
    if (!fits) this.#room = Buffer.allocUnsafeSlow(token.length);
    this.#byteCount = token.copy(this.#room);
    this.issuer = facts.issuer;
    this.key = facts.key;
    this.keysSeen = facts.keysSeen;
    this.issuedAtS = facts.issuedAtS;
    this.expiresAtS = facts.expiresAtS;
    this.notBeforeS = facts.notBeforeS;
    this.seenAtMs = facts.seenAtMs;
    this.memory = memory;
  }

  /** Nobody's, until it is lent. */
  free(): void {
    this.#byteCount = FREE;
  }

  isOf(token: Buffer): boolean {
    return token.length === this.#byteCount && token.compare(this.#room, 0, this.#byteCount) === 0;
  }

  /** A view, good until the record is given back. */
  get token(): Buffer {
    return this.#room.subarray(0, this.#byteCount);
  }
}

/** Records that are nobody's just now. */
export class OnceSeenRecords {
  readonly #free: OnceSeen[] = [];

  /** `token` is copied. */
  take(token: Buffer, facts: FoundGood, memory: TokenMemory): OnceSeen {
    const record = this.#free.pop();
    if (record === undefined) return new OnceSeen(token, facts, memory);
    record.lend(token, facts, memory);
    return record;
  }

  giveBack(record: OnceSeen): void {
    record.free();
    if (this.#free.length < MAX_FREE) this.#free.push(record);
  }
}
