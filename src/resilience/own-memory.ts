// Puts bytes that are kept for long into memory of their own. A view keeps all of what it looks at, and what Node's pool gave
// keeps 64 KiB: a few hundred remembered bytes would count for a hundred times as much, past every bound. Bounds nothing.

/** `parts` one after the other, copied. */
export function inOwnMemory(...parts: readonly Uint8Array[]): Buffer {
  let byteCount = 0;
  for (const part of parts) byteCount += part.length;
  const copy = Buffer.allocUnsafeSlow(byteCount);
  let at = 0;
  for (const part of parts) {
    copy.set(part, at);
    at += part.length;
  }
  return copy;
}
