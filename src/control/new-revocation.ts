// Completes a revocation somebody asks for: which target, from when, until when. Pure. It never lets a marker end
// before the last token it kills: a caller may lengthen its life, nobody may shorten it.

import { err, ok, type Result } from "../core/result.ts";
import { isWatermarkKind, MAX_NAME_BYTES, type Target, type TargetKind } from "../core/target.ts";
import { holdsToken } from "../core/token-like.ts";
import type { NewRevocation } from "../revocation/store.ts";

/** What a revocation's expiry needs to know of an issuer. */
export interface IssuerLimits {
  /** Short id, as in keys and the API. */
  readonly id: string;
  /** Its tokens' iss, byte for byte. */
  readonly issuer: string;
  /** Largest exp − iat a token of it may have. */
  readonly maxLifetimeMs: number;
  readonly clockSkewMs: number;
}

/** A target as a caller names it: the issuer by its short id or its iss, or not at all where only one is configured. */
export interface NamedTarget {
  readonly kind: TargetKind;
  readonly issuer?: string;
  readonly id?: string;
}

export interface RevocationRequest {
  readonly target: NamedTarget;
  readonly reason: string;
  /** Epoch seconds. */
  readonly issuedBefore?: number;
  /** Epoch milliseconds: keep it at least until then. */
  readonly expiresAt?: number;
}

/** What cannot be done as asked: where in the request (JSON Pointer, RFC 6901) and why, for people. */
export interface Refusal {
  readonly pointer: string;
  readonly detail: string;
}

/** Who asks, when, and under which id it would be stored. */
export interface Asking {
  readonly id: string;
  readonly by: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Epoch milliseconds: exp of the one token meant, where its signature was verified here. */
  readonly tokenExpiresAtMs?: number | undefined;
}

/** A watermark further ahead than this is a mistake of units or clocks, and would refuse tokens not yet issued. */
export const MAX_AHEAD_S = 300;
/** The store's clock is not ours: what is kept because of a token outlives it by this much more. */
export const STORE_CLOCK_MARGIN_MS = 60_000;
/** 2100-01-01: no time after it is taken. */
export const END_OF_TIME_MS = 4_102_444_800_000;
/** In UTF-16 code units. */
export const MAX_REASON_LENGTH = 512;
/** Revocations are kept, listed and printed: a token among them could be used by whoever reads. */
const A_TOKEN = "holds a token itself, which must not be kept: name it by its jti";
const CONTROL_CHARACTER = /[\p{Cc}\u2028\u2029]/u;

/** Applies defaults and limits (docs/control-api.md). */
export function newRevocation(
  request: RevocationRequest,
  issuers: readonly IssuerLimits[],
  asking: Asking,
): Result<NewRevocation, Refusal> {
  const target = resolveTarget(request.target, issuers, "/target");
  if (!target.ok) return target;
  const faultyReason = faultOfReason(request.reason);
  if (faultyReason !== undefined) return err({ pointer: "/reason", detail: faultyReason });
  const issuedBeforeS = issuedBefore(request, asking.nowMs);
  if (!issuedBeforeS.ok) return issuedBeforeS;
  const countedFromMs = Math.max(asking.nowMs, (issuedBeforeS.value ?? 0) * 1_000);
  const safeUntil = safeUntilMs(target.value, issuers, countedFromMs, asking.tokenExpiresAtMs);
  const expiresAtMs = expiry(request, safeUntil, asking.nowMs);
  if (!expiresAtMs.ok) return expiresAtMs;
  return ok({
    id: asking.id,
    target: target.value,
    reason: request.reason,
    by: asking.by,
    atMs: asking.nowMs,
    issuedBeforeS: issuedBeforeS.value,
    expiresAtMs: expiresAtMs.value,
  });
}

/** The target that `named` means; `pointer` is where it stands in the request ("" for query parameters). */
export function resolveTarget(
  named: NamedTarget,
  issuers: readonly IssuerLimits[],
  pointer: string,
): Result<Target, Refusal> {
  const { kind } = named;
  if (kind === "everything") {
    if (named.issuer !== undefined) return refuse(`${pointer}/issuer`, "everything has no issuer");
    return withoutId(named, pointer, { kind });
  }
  const issuer = resolveIssuer(named.issuer, issuers, `${pointer}/issuer`);
  if (!issuer.ok) return issuer;
  if (kind === "issuer") return withoutId(named, pointer, { kind, issuer: issuer.value });
  const faultyId = faultOfId(kind, named.id);
  if (faultyId !== undefined) return refuse(`${pointer}/id`, faultyId);
  return ok({ kind, issuer: issuer.value, id: named.id ?? "" });
}

function refuse(pointer: string, detail: string): { readonly ok: false; readonly error: Refusal } {
  return err({ pointer, detail });
}

function withoutId(named: NamedTarget, pointer: string, target: Target): Result<Target, Refusal> {
  return named.id === undefined ? ok(target) : refuse(`${pointer}/id`, `a target of kind ${named.kind} has no id`);
}

/** The short id of the issuer named, by that or by its iss, or of the only one there is. */
export function resolveIssuer(
  name: string | undefined,
  issuers: readonly IssuerLimits[],
  pointer: string,
): Result<string, Refusal> {
  const known = issuers.map((issuer) => issuer.id);
  if (name === undefined) {
    const [only] = known;
    if (only !== undefined && known.length === 1) return ok(only);
    return refuse(pointer, `an issuer is required, one of: ${known.join(", ")}`);
  }
  if (known.includes(name)) return ok(name);
  const named = issuers.find(({ issuer }) => issuer === name);
  if (named !== undefined) return ok(named.id);
  return refuse(pointer, `no such issuer; known are: ${known.join(", ")}`);
}

function faultOfId(kind: TargetKind, id: string | undefined): string | undefined {
  if (id === undefined || id === "") return `a target of kind ${kind} needs an id`;
  if (!id.isWellFormed()) return "is not well-formed Unicode, so no token can hold it";
  if (holdsToken(id)) return A_TOKEN;
  return Buffer.byteLength(id) > MAX_NAME_BYTES ? `is longer than ${MAX_NAME_BYTES} bytes` : undefined;
}

/** What is wrong with it, for people; undefined: nothing. */
export function faultOfReason(reason: string): string | undefined {
  if (reason.trim() === "") return "a reason is required: somebody will ask later";
  if (reason.length > MAX_REASON_LENGTH) return `is longer than ${MAX_REASON_LENGTH} characters`;
  if (holdsToken(reason)) return A_TOKEN;
  if (CONTROL_CHARACTER.test(reason)) return "holds a control character or line break";
  return reason.isWellFormed() ? undefined : "is not well-formed Unicode";
}

/**
 * iat is in whole seconds, so the default is rounded up: a token stolen within this very second dies too
 * (and a re-login inside it is refused).
 */
function issuedBefore(request: RevocationRequest, nowMs: number): Result<number | undefined, Refusal> {
  const pointer = "/issuedBefore";
  const asked = request.issuedBefore;
  if (!isWatermarkKind(request.target.kind)) {
    if (asked === undefined) return ok(undefined);
    return refuse(pointer, `a ${request.target.kind} is revoked whenever it was issued: leave issuedBefore out`);
  }
  if (asked === undefined) return ok(Math.floor(nowMs / 1_000) + 1);
  if (asked * 1_000 <= nowMs + MAX_AHEAD_S * 1_000) return ok(asked);
  return refuse(
    pointer,
    `lies more than ${MAX_AHEAD_S} s ahead; it is in epoch seconds, now ${Math.floor(nowMs / 1_000)}`,
  );
}

/**
 * Until when the last token that `target` kills may live, `countedFromMs` being the later of now and `issued_before`;
 * undefined: for ever. The exp of a single token does only if its signature was verified here: a forged copy with an
 * early exp would bring the stolen original back to life.
 */
function safeUntilMs(
  target: Target,
  issuers: readonly IssuerLimits[],
  countedFromMs: number,
  tokenExpiresAtMs: number | undefined,
): number | undefined {
  if (target.kind === "key") return undefined; // whoever stole it mints tokens with any iat, as long as he likes
  const hit = target.kind === "everything" ? issuers : issuers.filter((issuer) => issuer.id === target.issuer);
  const ends = hit.map(
    ({ maxLifetimeMs, clockSkewMs }) => (tokenExpiresAtMs ?? countedFromMs + maxLifetimeMs) + 2 * clockSkewMs,
  );
  return Math.max(...ends) + STORE_CLOCK_MARGIN_MS;
}

function expiry(
  request: RevocationRequest,
  safeUntil: number | undefined,
  nowMs: number,
): Result<number | undefined, Refusal> {
  const asked = request.expiresAt;
  if (asked !== undefined && asked <= nowMs) {
    return refuse("/expiresAt", `lies in the past; it is in epoch milliseconds, now ${nowMs}`);
  }
  if (asked !== undefined && asked > END_OF_TIME_MS) return refuse("/expiresAt", "lies beyond the year 2100");
  if (safeUntil === undefined) return ok(undefined);
  return ok(Math.ceil(Math.max(asked ?? 0, safeUntil)));
}
