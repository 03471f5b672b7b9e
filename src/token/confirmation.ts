// Reads to whom a token is bound (RFC 7800), and holds it to what its issuer must do. It proves no possession.

import type { Confirmation } from "../core/possession.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { JsonObject } from "./json.ts";

/**
 * What an issuer's tokens are bound to: `ifBound` whatever each one says, `dpop`, `mtls` or `either` always, and `ignore`:
 * not looked at, so that a bound token is anybody's.
 */
export type SenderConstraint = "ifBound" | "dpop" | "mtls" | "either" | "ignore";

/** SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/**
 * `cnf` as the token has it. Members that nobody here can check are ignored beside one that can be (RFC 7800 §3.1); a
 * token that is bound to nothing else is refused, for without its proof it would be anybody's.
 */
export function readConfirmation(
  cnf: unknown,
  constraint: SenderConstraint,
): Result<Confirmation | undefined, "claim_invalid"> {
  if (constraint === "ignore") return ok(undefined);
  if (cnf === undefined) return constraint === "ifBound" ? ok(undefined) : err("claim_invalid");
  if (typeof cnf !== "object" || cnf === null || Array.isArray(cnf)) return err("claim_invalid");
  const { jkt, "x5t#S256": x5tS256 } = cnf as JsonObject & { jkt?: unknown; "x5t#S256"?: unknown };
  if (!isThumbprint(jkt) || !isThumbprint(x5tS256)) return err("claim_invalid");
  const confirmation = { jkt, x5tS256 };
  return isEnough(confirmation, constraint) ? ok(confirmation) : err("claim_invalid");
}

function isThumbprint(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && THUMBPRINT.test(value));
}

function isEnough({ jkt, x5tS256 }: Confirmation, constraint: Exclude<SenderConstraint, "ignore">): boolean {
  switch (constraint) {
    case "ifBound":
    case "either":
      return jkt !== undefined || x5tS256 !== undefined;
    case "dpop":
      return jkt !== undefined;
    case "mtls":
      return x5tS256 !== undefined;
  }
}
