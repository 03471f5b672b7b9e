// Tells tokens that may be opaque (RFC 6750 §2.1) from those that are signed or encrypted, and those from damaged bytes.

const DOT = 0x2e;
const EQUALS = 0x3d;
/** Dots of a compact JWS and of a compact JWE: whatever has so many is judged as one, and nobody is asked about it. */
const JOSE_DOTS: ReadonlySet<number> = new Set([2, 4]);

/** b64token: letters, digits and `-._~+/`; 1 where the byte is one. */
const ALPHABET: Uint8Array = new Uint8Array(256);
for (const byte of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"))
  ALPHABET[byte] = 1;

export function mayBeOpaque(token: Uint8Array): boolean {
  let dots = 0;
  let at = 0;
  for (; at < token.length && ALPHABET[token[at] as number] === 1; at++) if (token[at] === DOT) dots += 1;
  if (at === 0 || JOSE_DOTS.has(dots)) return false;
  while (at < token.length && token[at] === EQUALS) at += 1;
  return at === token.length;
}
