// One marker in ten words of 32 bits, as a table keeps it and as a relay tells it: the fingerprint of its key, its
// revocation's id, its end and what it means. Pure.

import { FINGERPRINT_WORDS } from "./fingerprint.ts";

/** What one marker means to a token. */
export interface Meaning {
  /** Tokens issued before it are revoked, epoch seconds: Infinity, all; NaN, only the store can judge. */
  readonly issuedBeforeS: number;
  /** Seconds of the store's clock, rounded up; 0: never. */
  readonly expiresAtS: number;
  /** Kept if it is a UUID, as ours are. */
  readonly revocationId: string | undefined;
}

export const RECORD_WORDS = 10;

/** Where in a record. */
export const ID_AT: number = FINGERPRINT_WORDS;
export const EXPIRY_AT = 8;
export const WATERMARK_AT = 9;

/** A watermark is kept as 32 bits: no iat that a token may have is beyond these. */
const ALL = 0xffffffff;
const ASK = 0xfffffffe;
const GONE = 0xfffffffd;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Of the key whose fingerprint stands in `words` at `offset`; `meaning` undefined: no marker stands there. */
export function recordOf(words: Int32Array, offset: number, meaning: Meaning | undefined): Int32Array {
  const record = new Int32Array(RECORD_WORDS);
  for (let word = 0; word < FINGERPRINT_WORDS; word += 1) record[word] = words[offset + word] as number;
  if (meaning === undefined) {
    record[WATERMARK_AT] = GONE;
    return record;
  }
  writeId(record, meaning.revocationId);
  record[EXPIRY_AT] = Math.min(meaning.expiresAtS, 0xffffffff);
  record[WATERMARK_AT] = keptWatermark(meaning.issuedBeforeS);
  return record;
}

/** Whether the record that begins at `at` says that no marker stands. */
export function isGone(records: Int32Array, at: number): boolean {
  return (records[at + WATERMARK_AT] as number) >>> 0 === GONE;
}

/** Infinity: all; NaN: only the store can judge. */
export function watermarkOf(kept: number): number {
  if (kept === ALL) return Infinity;
  return kept === ASK ? NaN : kept;
}

/** Of the four words at `at`; the nil UUID stands for none. */
export function idOf(words: Int32Array, at: number): string | undefined {
  let hex = "";
  for (let word = 0; word < 4; word += 1) hex += ((words[at + word] as number) >>> 0).toString(16).padStart(8, "0");
  if (/^0+$/.test(hex)) return undefined;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What 32 bits cannot hold exactly is left to the store; so is what nobody can read. */
function keptWatermark(issuedBeforeS: number): number {
  if (issuedBeforeS === Infinity) return ALL;
  const fits = Number.isInteger(issuedBeforeS) && issuedBeforeS >= 0 && issuedBeforeS < GONE;
  return fits ? issuedBeforeS : ASK;
}

function writeId(record: Int32Array, id: string | undefined): void {
  if (id === undefined || !UUID.test(id)) return;
  const hex = id.replaceAll("-", "");
  for (let word = 0; word < 4; word += 1) {
    record[ID_AT + word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16);
  }
}
