// Security event tokens (RFC 8417, Shared Signals Framework 1.0 §4): which they are, and what each says. It knows no
// event: what one means is not judged here.

import { err, ok } from "../core/result.ts";
import { audiencesOf, isName, isTime } from "./claim-values.ts";
import { judgeTimes } from "./claims.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { Sender } from "./sender.ts";
import type { ClaimFault, TokenKind } from "./token-kind.ts";

export interface SecurityEventToken {
  readonly tokenId: string;
  readonly issuedAtS: number;
  /** At least one: the payload by the event's type. */
  readonly events: ReadonlyMap<string, JsonObject>;
  /** `sub_id` as it stands (RFC 9493 §4.1). */
  readonly subject: unknown;
}

/** Nobody speaks of more at once; Shared Signals §4.2.1 would rather have one. */
const MAX_EVENTS = 16;

export const SECURITY_EVENT_TOKEN: TokenKind<Sender, SecurityEventToken> = {
  /** Required by Shared Signals §4.1.1: what tells it from an ID or access token that has events. */
  typFits(_sender, typ) {
    const name = typeof typ === "string" ? typ.toLowerCase() : "";
    return name === "secevent+jwt" || name === "application/secevent+jwt";
  },
  read(claims, sender, _key, wallMs) {
    const events = readEvents(claims["events"]);
    if (events === undefined) return err("wrong_type");
    const { jti: tokenId, iat: issuedAtS } = claims;
    if (!isName(tokenId) || tokenId === undefined || !isTime(issuedAtS)) return err("claim_invalid");
    const fault = judgeAudience(claims["aud"], sender.audiences) ?? judgeAge(claims, issuedAtS, sender, wallMs);
    return fault === undefined ? ok({ tokenId, issuedAtS, events, subject: claims["sub_id"] }) : err(fault);
  },
};

function readEvents(events: unknown): ReadonlyMap<string, JsonObject> | undefined {
  if (!isJsonObject(events)) return undefined;
  const entries = Object.entries(events);
  if (entries.length === 0 || entries.length > MAX_EVENTS) return undefined;
  const read = new Map<string, JsonObject>();
  for (const [type, payload] of entries) {
    if (!isJsonObject(payload)) return undefined;
    read.set(type, payload);
  }
  return read;
}

function judgeAudience(aud: unknown, expected: readonly string[]): ClaimFault | undefined {
  const meant = audiencesOf(aud);
  if (meant === undefined) return "claim_invalid";
  return meant.some((one) => expected.includes(one)) ? undefined : "wrong_audience";
}

/** An event stays true, so there need be no exp (RFC 8417 §2.2); one that is there counts. */
function judgeAge(
  { exp, nbf }: JsonObject,
  issuedAtS: number,
  { clockSkewMs }: Sender,
  wallMs: number,
): ClaimFault | undefined {
  if ((exp !== undefined && !isTime(exp)) || (nbf !== undefined && !isTime(nbf))) return "claim_invalid";
  return judgeTimes({ issuedAtS, expiresAtS: exp ?? Infinity, notBeforeS: nbf }, clockSkewMs, wallMs);
}
