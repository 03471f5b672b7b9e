// Canonical base64url (RFC 4648 §5, without padding): one text per byte string. What a lenient decoder would still
// accept is refused, never repaired.

const NOT_IN_ALPHABET = 255;
/** Value of each byte as a character, 255 where it has none. */
const VALUES: Uint8Array = new Uint8Array(256).fill(NOT_IN_ALPHABET);
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".split("").forEach((character, value) => {
  VALUES[character.charCodeAt(0)] = value;
});

/** The 6-bit value of a character code, or 255. */
function base64urlValue(code: number): number {
  return VALUES[code] ?? NOT_IN_ALPHABET;
}

/** Where the run of characters of the alphabet that begins at `from` ends: at a stranger, or at the end of `bytes`. */
export function endOfAlphabet(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && VALUES[bytes[at] as number] !== NOT_IN_ALPHABET) at++;
  return at;
}

/**
 * Decodes `text`, of which every character must be in the alphabet already (endOfAlphabet). Undefined where it is
 * not what encoding its bytes gives: a length of 4n + 1, or bits set in the last character that no byte takes up.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const tail = text.length % 4;
  if (tail === 1) return undefined;
  const last = base64urlValue(text.charCodeAt(text.length - 1));
  if (tail === 2 && (last & 0b1111) !== 0) return undefined;
  if (tail === 3 && (last & 0b11) !== 0) return undefined;
  return Buffer.from(text, "base64url");
}
