// Writes header blocks (RFC 7541 §6) from the static table and literals. It never uses the other side's dynamic table,
// so that a block means the same at any time and on any connection, and never Huffman-codes.
import { STATIC_TABLE } from "./hpack-static-table.ts";

// The representations of §6: their first bits, and how many bits of the first byte are left to the index.
const INDEXED = 0x80;
const INDEXED_PREFIX_BITS = 7;
const LITERAL_WITHOUT_INDEXING = 0x00;
const LITERAL_PREFIX_BITS = 4;
/** A string's length, without the bit that says Huffman. */
const LENGTH_PREFIX_BITS = 7;
/** The first byte and five of seven bits: any index or length there can be. */
const INTEGER_MAX_BYTES = 6;

/** By name: the first index with that name, and the index of each value it has there. */
const STATIC_INDICES = new Map<string, { readonly nameIndex: number; readonly byValue: Map<string, number> }>();
for (const [position, { name, value }] of STATIC_TABLE.entries()) {
  const known = STATIC_INDICES.get(name) ?? { nameIndex: position + 1, byValue: new Map<string, number>() };
  known.byValue.set(value, position + 1);
  STATIC_INDICES.set(name, known);
}

/**
 * One complete header block. A header's bytes are written as latin1, one per character: a caller with other text
 * encodes it first. Names are in lower case, pseudo-headers come first (RFC 9113 §8.2, §8.3): not checked here.
 */
export function encodeHeaderBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const mostBytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 3 * INTEGER_MAX_BYTES, 0);
  const block = Buffer.allocUnsafe(mostBytes);
  let at = 0;
  for (const [name, value] of fields) {
    const known = STATIC_INDICES.get(name);
    const index = known?.byValue.get(value);
    if (index !== undefined) {
      at = writeInteger(block, at, INDEXED, INDEXED_PREFIX_BITS, index);
      continue;
    }
    at = writeInteger(block, at, LITERAL_WITHOUT_INDEXING, LITERAL_PREFIX_BITS, known?.nameIndex ?? 0);
    if (known === undefined) at = writeString(block, at, name);
    at = writeString(block, at, value);
  }
  return block.subarray(0, at);
}

/** RFC 7541 §5.1. Returns where the next byte goes. */
function writeInteger(block: Buffer, start: number, pattern: number, prefixBits: number, value: number): number {
  const full = (1 << prefixBits) - 1;
  if (value < full) {
    block[start] = pattern | value;
    return start + 1;
  }
  block[start] = pattern | full;
  let at = start + 1;
  let rest = value - full;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    block[at] = (rest & 127) | 128;
    at += 1;
  }
  block[at] = rest;
  return at + 1;
}

/** RFC 7541 §5.2. */
function writeString(block: Buffer, start: number, text: string): number {
  const at = writeInteger(block, start, 0, LENGTH_PREFIX_BITS, text.length);
  return at + block.write(text, at, "latin1");
}
