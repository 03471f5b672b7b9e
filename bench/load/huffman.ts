// Decodes the Huffman code of HPACK (RFC 7541 Appendix B). The code is canonical, so the lengths alone tell it all.

/** Bits of the code of each byte value, 0 to 255; the end-of-string symbol has 30. */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26,
] as const;
const LONGEST_BITS = 30;

/** By length: the first code, and where its symbols begin among all symbols ordered by length and value. */
const firstCode: number[] = [];
const firstAt: number[] = [];
const countOf: number[] = [];
const symbols: number[] = [];
let code = 0;
for (let bits = 1; bits <= LONGEST_BITS; bits += 1) {
  const ofLength = LENGTHS.flatMap((length, symbol) => (length === bits ? [symbol] : []));
  code <<= 1;
  firstCode[bits] = code;
  firstAt[bits] = symbols.length;
  countOf[bits] = ofLength.length;
  symbols.push(...ofLength);
  code += ofLength.length;
}

/** The text of a Huffman-coded string; padding (up to seven ones) is ignored. */
export function decodeHuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift -= 1) {
      value = (value << 1) | ((byte >> shift) & 1);
      bits += 1;
      const offset = value - (firstCode[bits] as number);
      if (offset < 0 || offset >= (countOf[bits] as number)) {
        if (bits === LONGEST_BITS) throw new Error("HPACK: not a Huffman code");
        continue;
      }
      text.push(symbols[(firstAt[bits] as number) + offset] as number);
      value = 0;
      bits = 0;
    }
  }
  return String.fromCharCode(...text);
}
