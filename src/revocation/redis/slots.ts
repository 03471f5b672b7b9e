// Which slot of a Cluster a key lies in (Redis Cluster specification, key distribution model). Pure.

export const SLOT_COUNT = 16_384;

/** CRC-16/XMODEM, by bytes. */
const CRC_TABLE: Uint16Array = crcTable();

function crcTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    table[byte] = crc & 0xffff;
  }
  return table;
}

/** By what stands between the first `{` and the first `}` after it, unless that is nothing; else by the whole key. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open === -1 ? -1 : key.indexOf("}", open + 1);
  const bytes = Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key, "utf8");
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[((crc >> 8) ^ byte) & 0xff] ?? 0);
  return crc % SLOT_COUNT;
}

/** More than enough: of as many tries one in 10^17 misses a slot. */
const MAX_TRIES = 40 * SLOT_COUNT;

/**
 * A key that lies in `slot` and is no marker's, though a user that may read markers may read it; undefined where
 * `keyPrefix` binds all keys to another slot.
 */
export function probeKeyIn(slot: number, keyPrefix: string): string | undefined {
  const begin = `${keyPrefix}revoked:-:{`;
  const isBound = slotOf(`${begin}a}`) === slotOf(`${begin}b}`);
  const tries = isBound ? 1 : MAX_TRIES;
  for (let i = 0; i < tries; i += 1) {
    const key = `${begin}${i.toString(36)}}`;
    if (slotOf(key) === slot) return key;
  }
  return undefined;
}
