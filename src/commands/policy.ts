// Compiles everything that a reload replaces into one policy: routes, tiers, identity, verifier.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
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
import type { Issuer } from "../token/issuer.ts";
import { createVerifier, type RememberingVerifier } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import { opaqueIssuersOf } from "./opaque-issuers.ts";

/** Named to callers without a token; the product's own name tells an attacker no more than the answer's form does. */
const REALM = "portcullis";

/** Of the Checks in flight, those that may wait with a new token: whoever floods us with such leaves room for known ones. */
const WAITING_SHARE = 0.75;

export interface PolicyParts {
  readonly issuers: readonly Issuer[];
  readonly guard: Guard;
  readonly observer: Observer;
  readonly log: Log;
}

export interface SidecarPolicy extends CheckPolicy {
  readonly admission: Bulkhead;
  /** The tokens seen under it. */
  recent(): RecentTokens;
}

export function compilePolicy(config: Config, parts: PolicyParts): SidecarPolicy {
  const tiers = compileTiers(
    config.tiers,
    config.scopes.map(({ scope, tier }) => ({ scope, tier: tierNamed(config, tier) })),
  );
  const identity = compileIdentityPolicy({
    headers: new Map(config.identity.headers.map(({ name, claim }) => [name, claim])),
    forwardToken: config.identity.forwardToken,
  });
  const verifier = verifierOf(config, parts, tiers, identity);
  return {
    routes: routesOf(config, tiers),
    tiers,
    ambiguousPaths: config.ambiguousPaths,
    identity,
    bearerToken,
    verifier,
    recent: () => recentOf(verifier),
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

function verifierOf(
  config: Config,
  { issuers, log, observer }: PolicyParts,
  tiers: TierTable,
  identity: IdentityPolicy,
): RememberingVerifier<CompiledToken> {
  const skewMs = new Map(issuers.map((issuer) => [issuer.id, issuer.clockSkewMs]));
  const compile = (principal: Principal, tokenDigest: string): Result<CompiledToken, "claim_invalid"> => {
    const compiled = compileIdentity(principal, identity);
    if (!compiled.ok) return err(compiled.error);
    return ok({
      subject: subjectOf(principal, config.store.keyPrefix, tokenDigest, skewMs.get(principal.issuerId) ?? 0),
      identity: compiled.value,
      floor: tiers.floorOf(principal.scopes),
    });
  };
  return createVerifier<CompiledToken>({
    issuers,
    maxTokenBytes: config.limits.maxTokenBytes,
    verifiedTokens: config.limits.verifiedTokenCount,
    maxWaiting: Math.ceil(config.limits.maxInFlightCount * WAITING_SHARE),
    clock: systemClock,
    observer,
    compile,
    opaque: opaqueIssuersOf(config, { issuers, log, observer, compile }),
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
