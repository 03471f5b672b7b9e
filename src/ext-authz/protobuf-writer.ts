// Encodes protobuf fields into buffers. Knows no message; whoever calls it pre-encodes what does not change.

/** A length-delimited field: string, bytes or embedded message. */
export function bytesField(field: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const encoded = Buffer.allocUnsafe(lengthFieldBytes(field, length));
  let at = writeLengthField(encoded, 0, field, length);
  for (const part of parts) {
    encoded.set(part, at);
    at += part.length;
  }
  return encoded;
}

export function stringField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text, "utf8"));
}

/** A varint field of a small non-negative number (an enum, a code). */
export function varintField(field: number, value: number): Buffer {
  const encoded = Buffer.allocUnsafe(varintBytes(field * 8) + varintBytes(value));
  writeVarint(encoded, writeVarint(encoded, 0, field * 8), value);
  return encoded;
}

/** How long a length-delimited field with `length` bytes of content is, tag and length included. */
export function lengthFieldBytes(field: number, length: number): number {
  return varintBytes(field * 8 + 2) + varintBytes(length) + length;
}

/** Writes tag and length of a length-delimited field; returns where its content begins. */
export function writeLengthField(target: Buffer, at: number, field: number, length: number): number {
  return writeVarint(target, writeVarint(target, at, field * 8 + 2), length);
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  let count = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) count++;
  return count;
}

function writeVarint(target: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7f) {
    target[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}
