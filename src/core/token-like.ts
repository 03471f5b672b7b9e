// What looks like a JWT, in text that must not hold one: log lines, messages, what is kept of an administrator's words.
// The last guard, which relies on no writer having been careful; it verifies nothing.

/**
 * A JSON object in base64url begins with `ey` (`{"`, `{ `) or `ew` (`{` and a line break or tab). One that begins with
 * `eyJ` is blanked with whatever dotted parts follow; a rarer one only where a second such part follows, or a host
 * name like `eyewitness.example.com` would be lost. Each alternative reads a line once, whatever stands in it.
 */
const TOKEN_LIKE = /eyJ[\w-]{8,}(?:\.[\w-]*)*|(?<![\w-])e[yw][\w-]{8,}\.e[yw][\w-]{8,}(?:\.[\w-]*)*/g;

/** Header and claims: names like a session's id may be one such part, but never two. */
const SIGNED_TOKEN = /e[yw][\w-]{8,}\.e[yw][\w-]{8,}/;

/** `text` without anything that looks like a JWT. Text that cannot hold one costs a scan for two letters. */
export function withoutTokens(text: string): string {
  if (!text.includes("ey") && !text.includes("ew")) return text;
  return text.replace(TOKEN_LIKE, "[token]");
}

/** Whether a signed JWT stands in `text`; stricter than what is blanked, for here a name would be refused. */
export function holdsToken(text: string): boolean {
  return SIGNED_TOKEN.test(text);
}
