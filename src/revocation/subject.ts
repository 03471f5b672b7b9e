// The revocation side of a verified token: which keys may revoke it, and what is remembered of its last answer.

import type { Principal } from "../core/principal.ts";
import type { Target, TargetKind } from "../core/target.ts";
import { createTokenMemory, type TokenMemory } from "../core/token-memory.ts";
import { SharedValues } from "../resilience/shared-values.ts";
import { markerKey } from "./keys.ts";

/** Compiled of a verified token, and again where it was let go meanwhile. The replica alone writes `fingerprints`. */
export interface RevocationSubject {
  /** All keys that may revoke the token, in the order of `kinds`. */
  readonly keys: readonly string[];
  readonly kinds: readonly TargetKind[];
  readonly issuedAtS: number;
  /** When the token is dead by itself and nothing need be remembered of it, clock skew included. Epoch ms. */
  readonly forgetAtWallMs: number;
  /** Names the token in the guard's memory; equal for equal tokens, whichever cache entry asks. */
  readonly identity: string;
  /** The same for all that are compiled of one remembered token. */
  readonly memory: TokenMemory;
  /** Of `keys`, computed once by the replica that looks them up, and its salt; undefined: not yet. */
  fingerprints: { readonly salt: string; readonly words: Int32Array } | undefined;
}

/**
 * Compiles the subject of `principal`. `identity` must differ for different tokens of one issuer: the caller passes
 * the token's digest, for a jti may be absent. `clockSkewMs` is the issuer's. Without `memory` nothing was heard yet.
 */
export function subjectOf(
  principal: Principal,
  keyPrefix: string,
  identity: string,
  clockSkewMs: number,
  memory: TokenMemory = createTokenMemory(),
): RevocationSubject {
  const targets = targetsOf(principal);
  return {
    keys: targets.map((target) => keyOf(keyPrefix, target)),
    kinds: kindsOf(targets),
    issuedAtS: principal.issuedAtS,
    forgetAtWallMs: principal.expiresAtS * 1000 + clockSkewMs,
    identity,
    memory,
    fingerprints: undefined,
  };
}

/** What many tokens have in common is there once: each remembered token would have its own. */
const sharedKeys = new SharedValues<string>(1_000);
const sharedKinds = new SharedValues<readonly TargetKind[]>(1_000);

function keyOf(keyPrefix: string, target: Target): string {
  const key = markerKey(keyPrefix, target);
  return isOfOne(target.kind) ? key : sharedKeys.of(key, (own) => own);
}

function kindsOf(targets: readonly Target[]): readonly TargetKind[] {
  const kinds = targets.map(({ kind }) => kind);
  return sharedKinds.of(kinds.join(), () => kinds);
}

/** Another key for nearly every token. */
function isOfOne(kind: TargetKind): boolean {
  return kind === "token" || kind === "session" || kind === "user";
}

function targetsOf(principal: Principal): readonly Target[] {
  const issuer = principal.issuerId;
  const targets: Target[] = [];
  if (principal.tokenId !== undefined) targets.push({ kind: "token", issuer, id: principal.tokenId });
  if (principal.session !== undefined) targets.push({ kind: "session", issuer, id: principal.session });
  if (principal.keyId !== undefined) targets.push({ kind: "key", issuer, id: principal.keyId });
  if (principal.subject !== undefined) targets.push({ kind: "user", issuer, id: principal.subject });
  if (principal.tenant !== undefined) targets.push({ kind: "tenant", issuer, id: principal.tenant });
  if (principal.client !== undefined) targets.push({ kind: "client", issuer, id: principal.client });
  targets.push({ kind: "issuer", issuer }, { kind: "everything" });
  return targets;
}
