// Reads a pasted JWT here in the browser, to find the names by which it can be revoked. Nothing is verified, and the token
// is sent nowhere.

import type { Session, Target } from "./types.ts";

export interface PastedToken {
  readonly issuer: string;
  /** Short id, where the control plane knows the issuer. */
  readonly issuerId: string | undefined;
  readonly expiresAtS: number | undefined;
  readonly targets: readonly Target[];
}

const THREE_PARTS = /^(?:bearer\s+)?([\w-]+)\.([\w-]+)\.([\w-]*)$/i;

/** undefined: it is no JWT. */
export function readPastedToken(text: string, issuers: Session["issuers"]): PastedToken | undefined {
  const [, , payload] = THREE_PARTS.exec(text.trim()) ?? [];
  const claims = payload === undefined ? undefined : decode(payload);
  if (claims === undefined) return undefined;
  const issuer = textOf(claims["iss"]) ?? "";
  const issuerId = issuers.find((known) => known.issuer === issuer)?.id;
  const named = [
    ["token", claims["jti"]],
    ["session", claims["sid"]],
    ["user", claims["sub"]],
    ["client", claims["client_id"]],
    ["tenant", claims["tenant"]],
  ] as const;
  const targets = named.flatMap(([kind, value]) => {
    const id = textOf(value);
    return id === undefined ? [] : [{ kind, id, ...(issuerId === undefined ? {} : { issuer: issuerId }) }];
  });
  const { exp } = claims;
  return { issuer, issuerId, expiresAtS: typeof exp === "number" ? exp : undefined, targets };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.codePointAt(0) ?? 0);
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? (claims as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
