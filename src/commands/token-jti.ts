// The jti of a JWT, read here so that the token itself never leaves. Its signature is not looked at: whoever may revoke
// may name any jti. Nothing here quotes the token.

import { err, ok, type Result } from "../core/result.ts";

/** Anything with the beginning of a JWS header in three parts. */
const LOOKS_LIKE_JWT = /^(?:bearer\s+)?eyJ[\w-]*\.[\w-]*\.[\w-]*$/i;

export function looksLikeJwt(text: string): boolean {
  return LOOKS_LIKE_JWT.test(text);
}

/** The error says what is missing, for people. */
export function jtiOf(text: string): Result<string, "no JWT" | "no jti"> {
  const payload =
    text
      .trim()
      .replace(/^bearer\s+/i, "")
      .split(".")[1] ?? "";
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return err("no JWT");
  }
  const jti = typeof claims === "object" && claims !== null ? (claims as { jti?: unknown }).jti : undefined;
  return typeof jti === "string" && jti !== "" ? ok(jti) : err("no jti");
}
