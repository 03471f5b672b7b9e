// Forges tokens, good and bad, byte by byte, with real keys; and makes verifiers over keys given by hand.

import { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { Clock, Instant } from "../../src/core/clock.ts";
import type { Principal } from "../../src/core/principal.ts";
import { ok, type Result } from "../../src/core/result.ts";
import type { Span } from "../../src/core/tracing.ts";
import type { Algorithm } from "../../src/core/algorithm.ts";
import { SCHEMES } from "../../src/token/algorithms.ts";
import type { Issuer } from "../../src/token/issuer.ts";
import { NO_KEYS, readKeySet, type KeySet } from "../../src/token/key-set.ts";
import type { KeySource } from "../../src/token/key-source.ts";
import type { VerifyFailure } from "../../src/token/verification.ts";
import type { VerifiedToken } from "../../src/token/verified-token.ts";
import { createVerifier, type RememberingVerifier, type VerifierOptions } from "../../src/token/verifier.ts";

export type Json = Record<string, unknown>;

export interface TestKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateKey: KeyObject;
  /** Public, with kid, alg and use. */
  readonly jwk: Json;
}

const CURVES = { "P-256": "P-256", "P-384": "P-384", "P-521": "P-521" } as const;

export function createTestKey(alg: Algorithm, kid: string, modulusLength = 2048): TestKey {
  const scheme = SCHEMES[alg];
  const pair =
    scheme.keyType === "RSA"
      ? generateKeyPairSync("rsa", { modulusLength })
      : scheme.keyType === "EC"
        ? generateKeyPairSync("ec", { namedCurve: CURVES[scheme.curve] })
        : generateKeyPairSync("ed25519");
  const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
  return { kid, alg, privateKey: pair.privateKey, jwk };
}

/** The signature of `alg` over `signingInput`, as it stands in a JWS. */
function signatureOf(alg: Algorithm, privateKey: KeyObject, signingInput: string): Buffer {
  const scheme = SCHEMES[alg];
  const data = Buffer.from(signingInput);
  if (scheme.keyType === "OKP") return sign(null, data, privateKey);
  if (scheme.keyType === "EC") return sign(scheme.hash, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
  if (scheme.padding === "pkcs1") return sign(scheme.hash, data, privateKey);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign(scheme.hash, data, { key: privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

/** Signs exactly these bytes as header and payload. */
export function signBytes(key: TestKey, header: string | Buffer, payload: string | Buffer): string {
  const signingInput = `${base64url(header)}.${base64url(payload)}`;
  return `${signingInput}.${signatureOf(key.alg, key.privateKey, signingInput).toString("base64url")}`;
}

/** A token of `key`; members given as undefined are left out. */
export function signToken(key: TestKey, claims: Json, header: Json = {}): string {
  return signBytes(
    key,
    JSON.stringify({ alg: key.alg, kid: key.kid, typ: "at+jwt", ...header }),
    JSON.stringify(claims),
  );
}

export function base64url(bytes: string | Buffer): string {
  return Buffer.from(bytes).toString("base64url");
}

/** The instant at which the forged tokens are fresh. */
export const NOW_S = 1_800_000_000;
export const ISSUER = "https://id.example.com";

/** Claims of a good token; `changes` of undefined leave a claim out. */
export function goodClaims(changes: Json = {}): Json {
  return {
    iss: ISSUER,
    aud: "orders-api",
    sub: "alice",
    jti: "token-1",
    sid: "session-1",
    client_id: "shop",
    tenant: "acme",
    scope: "read write",
    iat: NOW_S,
    exp: NOW_S + 600,
    ...changes,
  };
}

export interface SettableClock extends Clock {
  setWallMs(wallMs: number): void;
}

/** Wall time stands at NOW_S until set; the monotonic clock is the real one, for real timers go by it. */
function createSettableClock(): SettableClock {
  let wallMs = NOW_S * 1000;
  return {
    now: () => ({ monotonicMs: performance.now(), wallMs }),
    setWallMs: (to) => {
      wallMs = to;
    },
  };
}

export interface HandKeys extends KeySource {
  replace(jwks: readonly Json[]): void;
  /** Kids for which a refetch was asked. */
  readonly askedFor: readonly string[];
}

/** Keys as the real reader makes them of `jwks`, without a server behind them: a refetch brings what is there. */
export function keysByHand(jwks: readonly Json[], algorithms: readonly Algorithm[]): HandKeys {
  let set: KeySet = NO_KEYS;
  const askedFor: string[] = [];
  const replace = (entries: readonly Json[]): void => {
    const read = readKeySet(JSON.stringify({ keys: entries }), algorithms, set, () => undefined);
    set = read.ok ? read.value : NO_KEYS;
  };
  replace(jwks);
  return {
    replace,
    askedFor,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    current: () => set,
    refetchFor(kid, _now, _deadlineAtMs, _span, done) {
      askedFor.push(kid);
      done(set);
    },
    isKnownAbsent: (kid) => !set.byKid.has(kid),
    status: () => {
      const kids = [...set.byKid.keys()];
      return {
        hasKeys: set.keys.size > 0,
        keyCount: set.keys.size,
        kids,
        lastReadWallMs: undefined,
        lastError: undefined,
      };
    },
  };
}

export function issuerWith(keys: KeySource, algorithms: readonly Algorithm[], changes: Partial<Issuer> = {}): Issuer {
  return {
    id: "main",
    issuer: ISSUER,
    audiences: ["orders-api"],
    algorithms,
    profile: "at+jwt",
    clockSkewMs: 30_000,
    maxLifetimeMs: 3_600_000,
    requireJti: true,
    claims: { session: "sid", tenant: "tenant", client: "client_id", scope: "scope" },
    senderConstraint: "ifBound",
    keys,
    ...changes,
  };
}

export interface Reports {
  readonly cache: string[];
  readonly algorithms: string[];
  readonly aheadS: number[];
}

export interface TestVerifier {
  readonly verifier: RememberingVerifier<Principal>;
  readonly clock: SettableClock;
  readonly reports: Reports;
  /** What the verifier answers before it returns; throws where it has not answered by then. */
  verify(token: string): Result<VerifiedToken<Principal>, VerifyFailure>;
  /** For algorithms that are verified off the loop. */
  verifyLater(token: string, deadlineInMs?: number): Promise<Result<VerifiedToken<Principal>, VerifyFailure>>;
}

/** What is compiled is the principal itself. */
export function verifierFor(
  issuers: readonly Issuer[],
  changes: Partial<VerifierOptions<Principal>> = {},
): TestVerifier {
  const clock = createSettableClock();
  const reports: Reports = { cache: [], algorithms: [], aheadS: [] };
  const verifier = createVerifier<Principal>({
    issuers,
    maxTokenBytes: 16 * 1024,
    verifiedTokens: 100,
    maxWaiting: 1_000,
    verifyMsPerTurn: { aloneMs: Infinity, besideKnownMs: Infinity },
    clock,
    observer: {
      verified: (algorithm) => void reports.algorithms.push(algorithm),
      verifiedTokenCache: (result) => void reports.cache.push(result),
      issuerClockAhead: (_issuerId, seconds) => void reports.aheadS.push(seconds),
    },
    compile: (principal) => ok(principal),
    keptClaims: [],
    ...changes,
  });
  const ask = (token: string, now: Instant, deadlineInMs: number, done: Parameters<typeof verifier.verify>[4]): void =>
    verifier.verify(Buffer.from(token), now, now.monotonicMs + deadlineInMs, undefined, done);
  return {
    verifier,
    clock,
    reports,
    verify(token) {
      const outcomes: Result<VerifiedToken<Principal>, VerifyFailure>[] = [];
      ask(token, clock.now(), 1_000, (outcome) => void outcomes.push(outcome));
      const [outcome] = outcomes;
      if (outcome === undefined || outcomes.length > 1) throw new Error(`answered ${outcomes.length} times`);
      return outcome;
    },
    verifyLater: (token, deadlineInMs = 5_000) =>
      new Promise((resolve) => ask(token, clock.now(), deadlineInMs, resolve)),
  };
}

/** "ok" or the reason, for tables. */
export function reasonOf(outcome: Result<unknown, VerifyFailure>): string {
  return outcome.ok ? "ok" : outcome.error.reason;
}

/** A span that writes into `log` what becomes of it and its children. */
export function recordingSpan(log: string[], name: string): Span {
  return {
    traceId: "0".repeat(32),
    child: (child) => {
      log.push(`begin ${child}`);
      return recordingSpan(log, child);
    },
    set: () => undefined,
    fail: (reason) => void log.push(`fail ${name} ${reason}`),
    end: () => void log.push(`end ${name}`),
  };
}
