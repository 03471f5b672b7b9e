// The jti and issuer of a JWT, read here so that the token itself never leaves. Its signature is not looked at: whoever may revoke
// may name any jti. Nothing here quotes the token.

import { err, ok, type Result } from "../core/result.ts";

/** Anything with the beginning of a JWS header in three parts. */
const LOOKS_LIKE_JWT = /^(?:bearer\s+)?eyJ[\w-]*\.[\w-]*\.[\w-]*$/i;

export function looksLikeJwt(text: string): boolean {
  return LOOKS_LIKE_JWT.test(text);
}

/** By what a token can be revoked. */
export interface TokenName {
  readonly jti: string;
  /** As it says itself; undefined where it says nothing. */
  readonly iss: string | undefined;
}

/** The error says what is missing, for people. */
export function tokenNameOf(text: string): Result<TokenName, "no JWT" | "no jti"> {
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
  const { jti, iss } = (typeof claims === "object" ? (claims ?? {}) : {}) as {
    readonly jti?: unknown;
    readonly iss?: unknown;
  };
  if (typeof jti !== "string" || jti === "") return err("no jti");
  return ok({ jti, iss: typeof iss === "string" && iss !== "" ? iss : undefined });
}
