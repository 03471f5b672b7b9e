// Rewrites an ECDSA signature of a JWS (r ‖ s, RFC 7518 §3.4) as the DER that OpenSSL reads, and back. It verifies nothing.

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** Lengths from here on need a second length byte (X.690 §8.1.3): P-521 alone gets there. */
const LONG_LENGTH = 0x80;

/** `SEQUENCE { INTEGER r, INTEGER s }` in DER; undefined where r or s is zero (CVE-2022-21449). */
export function ecdsaDer(signature: Uint8Array): Uint8Array | undefined {
  const half = signature.length / 2;
  const rStart = firstNonZero(signature, 0, half);
  const sStart = firstNonZero(signature, half, signature.length);
  if (rStart === half || sStart === signature.length) return undefined;
  const rLength = integerLength(signature, rStart, half);
  const sLength = integerLength(signature, sStart, signature.length);

  const bodyLength = 4 + rLength + sLength;
  const headLength = bodyLength < LONG_LENGTH ? 2 : 3;
  const der = new Uint8Array(headLength + bodyLength);
  der[0] = SEQUENCE;
  if (headLength === 3) der[1] = LONG_LENGTH | 1;
  der[headLength - 1] = bodyLength;
  writeInteger(der, headLength, signature, rStart, half, rLength);
  writeInteger(der, headLength + 2 + rLength, signature, sStart, signature.length, sLength);
  return der;
}

function firstNonZero(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === 0) at += 1;
  return at;
}

/** With the zero byte in front that keeps a high first bit from meaning a negative number. */
function integerLength(bytes: Uint8Array, start: number, end: number): number {
  return end - start + ((bytes[start] ?? 0) >> 7);
}

function writeInteger(
  der: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
): void {
  der[at] = INTEGER;
  der[at + 1] = length;
  der.set(bytes.subarray(start, end), at + 2 + length - (end - start));
}

/** The way back, of a signature that OpenSSL has made: r ‖ s, each of `halfBytes`, at most 48. */
export function ecdsaJoined(der: Buffer, halfBytes: number): Buffer {
  const joined = Buffer.alloc(2 * halfBytes);
  const rEnd = placeInteger(joined, halfBytes, der, 2);
  placeInteger(joined, 2 * halfBytes, der, rEnd);
  return joined;
}

/** Copies the INTEGER at `start` so that it ends at `end`, without the zero byte in front; where it ends in `der`. */
function placeInteger(joined: Buffer, end: number, der: Buffer, start: number): number {
  const valueEnd = start + 2 + (der[start + 1] as number);
  const valueStart = der[start + 2] === 0 ? start + 3 : start + 2;
  der.copy(joined, end - (valueEnd - valueStart), valueStart, valueEnd);
  return valueEnd;
}
