// Compiles everything that a reload replaces into one policy: routes, tiers, identity, verifier.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import { err, ok } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { CheckPolicy, CompiledToken } from "../ext-authz/check-policy.ts";
import { compileIdentity, compileIdentityPolicy, type IdentityPolicy } from "../ext-authz/identity.ts";
import { compileRoutes, type Routes } from "../policy/route.ts";
import { compileTiers, type TierTable } from "../policy/tier.ts";
import { createBulkhead, type Bulkhead } from "../resilience/bulkhead.ts";
import type { RecentToken, RecentTokens } from "../revocation/preview/answering.ts";
import type { Guard } from "../revocation/guard.ts";
import { subjectOf } from "../revocation/subject.ts";
import { bearerToken } from "../token/bearer.ts";
import { createIdentitySigner, type IdentitySigner } from "../token/identity-signer.ts";
import type { Issuer } from "../token/issuer.ts";
import type { PossessionJudge } from "../token/possession.ts";
import { createVerifier, type RememberingVerifier, type VerifierOptions } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import { opaqueIssuersOf } from "./opaque-issuers.ts";
import { attestedPolicyOf, senderPolicyOf } from "./senders.ts";
import { statusListsOf } from "./status-lists.ts";

/** Named to callers without a token; the product's own name tells an attacker no more than the answer's form does. */
const REALM = "portcullis";

/** Of the Checks in flight, those that may wait with a new token: whoever floods us with such leaves room for known ones. */
const WAITING_SHARE = 0.75;

export interface PolicyParts {
  readonly issuers: readonly Issuer[];
  readonly guard: Guard;
  readonly observer: Observer;
  readonly log: Log;
  readonly possession: PossessionJudge;
}

export interface SidecarPolicy extends CheckPolicy {
  readonly admission: Bulkhead;
  /** The tokens seen under it. */
  recent(): RecentTokens;
  /** By which upstreams verify signed identity: a key set as JSON; undefined: none is signed. */
  readonly identityJwks: string | undefined;
}

export function compilePolicy(config: Config, parts: PolicyParts): SidecarPolicy {
  const tiers = compileTiers(
    config.tiers,
    config.scopes.map(({ scope, tier }) => ({ scope, tier: tierNamed(config, tier) })),
  );
  const { headers, forwardToken, signed } = config.identity;
  const signer = signerOf(config);
  const identity = compileIdentityPolicy({
    headers: new Map(headers.map(({ name, claim }) => [name, claim])),
    forwardToken,
    signed: signed && signer && { name: signed.header, signer },
  });
  const compile = compilerOf(config, tiers, identity);
  const verifier = verifierOf(config, parts, compile);
  return {
    routes: routesOf(config, tiers),
    tiers,
    ambiguousPaths: config.ambiguousPaths,
    identity,
    mode: config.mode,
    bearerToken,
    verifier,
    recent: () => recentOf(verifier),
    identityJwks: signer?.jwks,
    sender: senderPolicyOf(config, parts.possession),
    attested: attestedPolicyOf(config, parts.observer, compile),
    guard: parts.guard,
    admission: createBulkhead(config.limits.maxInFlightCount),
    deadlineMs: config.deadlineMs,
    realm: REALM,
  };
}

function routesOf(config: Config, tiers: TierTable): Routes {
  const rules = config.routes.map((route) => ({
    ...route,
    tier: route.tier === undefined ? undefined : tierNamed(config, route.tier),
  }));
  const routes = compileRoutes(rules, tiers.strictest);
  if (!routes.ok) throw new Error(`the configuration let a bad route through: ${JSON.stringify(routes.error)}`);
  return routes.value;
}

/** By which upstreams verify what any policy of `config` signs: a key set as JSON; undefined: nothing is signed. */
export function identityJwksOf(config: Config): string | undefined {
  return signerOf(config)?.jwks;
}

function signerOf(config: Config): IdentitySigner | undefined {
  const { signed } = config.identity;
  return signed && createIdentitySigner({ ...signed, skewMsOf: skewMsOf(config), random: Math.random });
}

/** By the issuer's short id. */
function skewMsOf({ issuers }: Config): (issuerId: string) => number {
  const skewMs = new Map(issuers.map(({ id, clockSkewMs }) => [id, clockSkewMs]));
  return (issuerId) => skewMs.get(issuerId) ?? 0;
}

type Compile = VerifierOptions<CompiledToken>["compile"];

function compilerOf(config: Config, tiers: TierTable, identity: IdentityPolicy): Compile {
  const skewMs = skewMsOf(config);
  return (principal, tokenDigest, memory) => {
    const compiled = compileIdentity(principal, identity);
    if (!compiled.ok) return err(compiled.error);
    return ok({
      subject: subjectOf(principal, config.store.keyPrefix, tokenDigest, skewMs(principal.issuerId), memory),
      identity: compiled.value,
      floor: tiers.floorOf(principal.scopes),
    });
  };
}

function verifierOf(
  config: Config,
  { issuers, log, observer }: PolicyParts,
  compile: Compile,
): RememberingVerifier<CompiledToken> {
  return createVerifier<CompiledToken>({
    issuers,
    maxTokenBytes: config.limits.maxTokenBytes,
    verifiedTokens: config.limits.verifiedTokenCount,
    maxWaiting: Math.ceil(config.limits.maxInFlightCount * WAITING_SHARE),
    clock: systemClock,
    observer,
    compile,
    keptClaims: [],
    opaque: opaqueIssuersOf(config, { issuers, log, observer, compile }),
    statusLists: statusListsOf(config, issuers, { log, observer }),
  });
}

function recentOf(verifier: RememberingVerifier<CompiledToken>): RecentTokens {
  return {
    tokens: subjectsOf(verifier),
    wholeSinceMs: verifier.rememberedSinceMs(),
  };
}

function* subjectsOf(verifier: RememberingVerifier<CompiledToken>): Generator<RecentToken> {
  for (const { compiled, seenAtMs } of verifier.remembered()) yield { subject: compiled.subject, seenAtMs };
}

function tierNamed(config: Config, name: string): Tier {
  const tier = config.tiers.find((candidate) => candidate.name === name);
  if (tier === undefined) throw new Error(`the configuration let an unknown tier through: ${name}`);
  return tier;
}
