// Takes a compact JWS apart (RFC 7515 §3.1) before any key is looked for. Nothing it returns is verified.

import { isUtf8 } from "node:buffer";
import type { DenyReason } from "../core/deny-reason.ts";
import { err, ok, type Result } from "../core/result.ts";
import { decodeBase64url, endOfAlphabet } from "./base64url.ts";
import { parseJsonObject, type JsonFault, type JsonObject } from "./json.ts";

/** The header members that are read; all others mean nothing here. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  /** As written, whatever its type. */
  readonly typ: unknown;
}

/** A compact JWS whose header was read to be an `H`. */
export interface ParsedJws<H> {
  readonly header: H;
  /** Unverified. */
  readonly claims: JsonObject;
  /** Header and payload as received with the dot between them: what the signature is over. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

export type ParsedToken = ParsedJws<TokenHeader>;

export type ParseFault = Extract<
  DenyReason,
  "malformed_token" | "token_too_large" | "unsupported_token" | "claim_invalid"
>;

const MAX_KID_BYTES = 256;
const DOT = 0x2e;
/** Dots of a compact JWE (RFC 7516 §3.1). */
const JWE_DOTS = 4;

/**
 * Members that change what is verified or with which key (RFC 7515 §4.1, RFC 7797), or belong to encryption. The
 * verifier alone says which key counts, so a token that brings its own is refused, not ignored.
 */
const UNSUPPORTED_MEMBERS = ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"] as const;

/** Parses `token` of at most `maxBytes` bytes; the cap comes before anything that costs more than its length. */
export function parseCompactJws(token: Buffer, maxBytes: number): Result<ParsedToken, ParseFault> {
  return parseJws(token, maxBytes, readHeader);
}

/** As parseCompactJws, for a kind of JWS whose header `readHead` judges: before the claims are decoded. */
export function parseJws<H>(
  token: Buffer,
  maxBytes: number,
  readHead: (header: JsonObject) => Result<H, ParseFault>,
): Result<ParsedJws<H>, ParseFault> {
  if (token.length > maxBytes) return err("token_too_large");
  const dots = scanDots(token);
  if (dots === undefined) return err("malformed_token");
  if (dots.count === JWE_DOTS) return err("unsupported_token");
  if (dots.count !== 2) return err("malformed_token");

  const header = parseSegment(token.toString("latin1", 0, dots.first));
  if (!header.ok) return err("malformed_token");
  const read = readHead(header.value);
  if (!read.ok) return read;
  const claims = parseSegment(token.toString("latin1", dots.first + 1, dots.second));
  if (!claims.ok) return err(claims.error === "number_range" ? "claim_invalid" : "malformed_token");
  const signature = decodeBase64url(token.toString("latin1", dots.second + 1));
  if (signature === undefined) return err("malformed_token");
  return ok({ header: read.value, claims: claims.value, signingInput: token.subarray(0, dots.second), signature });
}

interface Dots {
  readonly count: number;
  readonly first: number;
  readonly second: number;
}

/** One pass over the bytes: all in the alphabet, and where the dots are. Undefined at the first stranger. */
function scanDots(token: Buffer): Dots | undefined {
  let count = 0;
  let first = 0;
  let second = 0;
  for (let at = endOfAlphabet(token, 0); at < token.length; at = endOfAlphabet(token, at + 1)) {
    if (token[at] !== DOT || count === JWE_DOTS) return undefined;
    count += 1;
    if (count === 1) first = at;
    if (count === 2) second = at;
  }
  return { count, first, second };
}

function parseSegment(segment: string): Result<JsonObject, JsonFault> {
  const bytes = decodeBase64url(segment);
  if (bytes === undefined || !isUtf8(bytes)) return err("malformed");
  return parseJsonObject(bytes.toString("utf8"));
}

function readHeader(header: JsonObject): Result<TokenHeader, ParseFault> {
  for (const member of UNSUPPORTED_MEMBERS) {
    if (member in header) return err("unsupported_token");
  }
  const { alg, kid, typ } = header as { alg?: unknown; kid?: unknown; typ?: unknown };
  if (typeof alg !== "string") return err("malformed_token");
  if (kid === undefined) return ok({ alg, kid, typ });
  if (typeof kid !== "string" || Buffer.byteLength(kid) > MAX_KID_BYTES) return err("malformed_token");
  return ok({ alg, kid, typ });
}
