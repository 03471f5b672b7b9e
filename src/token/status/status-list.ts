// Status List Tokens (Token Status List §5.1): which they are, what each says, and the status at an index of one. No other
// token of the issuer passes for one, and it for no other.

import { inflate } from "node:zlib";
import { err, ok, type Result } from "../../core/result.ts";
import { decodeBase64url, endOfAlphabet } from "../base64url.ts";
import { isTime } from "../claim-values.ts";
import { judgeTimes } from "../claims.ts";
import type { Issuer } from "../issuer.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { TokenKind } from "../token-kind.ts";

/** What a list says, still compressed. */
export interface StatusListToken {
  /** Its own address. */
  readonly uri: string;
  readonly issuedAtS: number;
  /** Infinity: it has no end of its own. */
  readonly expiresAtS: number;
  /** For how long it may be used before a newer one is looked for; undefined: it does not say. */
  readonly ttlS: number | undefined;
  readonly bits: Bits;
  readonly compressed: Buffer;
}

type Bits = 1 | 2 | 4 | 8;

/** 64 million tokens of one bit. A list of a hundred thousand takes 12 KiB. */
export const MAX_LIST_BYTES: number = 8 * 1_024 * 1_024;

export const STATUS_LIST_TOKEN: TokenKind<Issuer, StatusListToken> = {
  typFits(_issuer, typ) {
    const name = typeof typ === "string" ? typ.toLowerCase() : "";
    return name === "statuslist+jwt" || name === "application/statuslist+jwt";
  },
  read(claims, issuer, _key, wallMs) {
    const read = readClaims(claims);
    if (read === undefined) return err("claim_invalid");
    const time = judgeTimes({ ...read, notBeforeS: undefined }, issuer.clockSkewMs, wallMs);
    return time === undefined ? ok(read) : err(time);
  },
};

function readClaims(claims: JsonObject): StatusListToken | undefined {
  const { sub: uri, iat: issuedAtS, exp: expiresAtS = Infinity, ttl: ttlS } = claims;
  if (typeof uri !== "string" || !isTime(issuedAtS)) return undefined;
  if (expiresAtS !== Infinity && !isTime(expiresAtS)) return undefined;
  if (ttlS !== undefined && !isPositive(ttlS)) return undefined;
  const list = readList(claims["status_list"]);
  return list && { uri, issuedAtS, expiresAtS, ttlS, ...list };
}

/** §4.2 */
function readList(list: unknown): Pick<StatusListToken, "bits" | "compressed"> | undefined {
  if (!isJsonObject(list)) return undefined;
  const { bits, lst } = list;
  if (!isBits(bits) || typeof lst !== "string") return undefined;
  const isPlain = endOfAlphabet(Buffer.from(lst, "latin1"), 0) === lst.length;
  const compressed = isPlain ? decodeBase64url(lst) : undefined;
  return compressed && { bits, compressed };
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}

function isBits(bits: unknown): bits is Bits {
  return bits === 1 || bits === 2 || bits === 4 || bits === 8;
}

/** The statuses themselves (§4.1: DEFLATE in the ZLIB format), of at most MAX_LIST_BYTES, however small they came. */
export function inflateList(compressed: Buffer): Promise<Result<Buffer, string>> {
  return new Promise((resolve) => {
    inflate(compressed, { maxOutputLength: MAX_LIST_BYTES }, (failure, statuses) => {
      resolve(
        failure === null ? ok(statuses) : err(`the list cannot be unpacked (${String(Reflect.get(failure, "code"))})`),
      );
    });
  });
}

/** Packed from the least significant bit (§4.1); undefined: the list is not that long. */
export function statusAt(statuses: Buffer, bits: Bits, index: number): number | undefined {
  const perByte = 8 / bits;
  const byte = statuses[Math.floor(index / perByte)];
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & (2 ** bits - 1);
}
