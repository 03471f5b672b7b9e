// The cookies of the dashboard: named with `__Host-`, so that a browser takes them from this host alone, for every path,
// and over what it holds to be safe. No script reads them.

import type { IncomingMessage } from "node:http";

export const SESSION_COOKIE = "__Host-portcullis-session";
/** Of a sign-in under way. */
export const SIGN_IN_COOKIE = "__Host-portcullis-sign-in";

/** undefined: there is none, or several, of which no two readers would take the same. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  const values = (headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/**
 * A `Set-Cookie`. `lax`: it comes back with the answer of another site that somebody was sent to; `strict`: with nothing
 * that another site began.
 */
export function setCookie(name: string, value: string, sameSite: "lax" | "strict", maxAgeS: number): string {
  const site = sameSite === "lax" ? "Lax" : "Strict";
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=${site}; Max-Age=${Math.max(0, Math.floor(maxAgeS))}`;
}

export function dropCookie(name: string): string {
  return setCookie(name, "", "strict", 0);
}
