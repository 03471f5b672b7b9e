// Makes the ids of revocations: UUIDv7 (RFC 9562 §5.7), so that ids sort by time and cannot be guessed.

import { randomBytes } from "node:crypto";

/** `nowMs`: epoch milliseconds, the first 48 bits; the 74 random bits follow. */
export function newRevocationId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
