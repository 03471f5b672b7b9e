// Compiles how callers' possession is judged, and which issuers' tokens Envoy verifies. What is remembered of proofs outlives
// every reload, so it is built once.

import type { Config } from "../config/config.ts";
import type { IssuerConfig } from "../config/issuer-config.ts";
import type { Observer } from "../core/observer.ts";
import type { AttestedSource } from "../ext-authz/attested-source.ts";
import type { AttestedPolicy, CompiledToken, SenderPolicy } from "../ext-authz/check-policy.ts";
import { createAttestedTokens, type AttestedOptions } from "../token/attested.ts";
import { dpopToken } from "../token/bearer.ts";
import { createPossessionJudge, type PossessionJudge } from "../token/possession.ts";
import { systemClock } from "./clock.ts";

export function createSenderJudge({ dpop, limits }: Config): PossessionJudge {
  return createPossessionJudge({
    algorithms: dpop.algorithms,
    maxAgeMs: dpop.maxAgeMs,
    clockSkewMs: dpop.clockSkewMs,
    maxSeenProofs: dpop.maxRemembered,
    nonceRequired: dpop.nonceRequired,
    nonceSecret: dpop.nonceSecret,
    maxWaiting: limits.maxInFlightCount,
    clock: systemClock,
  });
}

export function senderPolicyOf({ issuers, dpop }: Config, judge: PossessionJudge): SenderPolicy {
  const constraints = issuers.map(({ senderConstraint }) => senderConstraint);
  const isPossible = constraints.some((constraint) => constraint !== "mtls" && constraint !== "ignore");
  if (!isPossible) return { judge, dpop: undefined };
  const isRequired = constraints.some((constraint) => constraint === "dpop" || constraint === "either");
  return { judge, dpop: { algorithms: dpop.algorithms, isRequired, token: dpopToken, scheme: dpop.scheme } };
}

/** Undefined: Envoy verifies nobody's tokens. */
export function attestedPolicyOf(
  config: Config,
  observer: Observer,
  compile: AttestedOptions<CompiledToken>["compile"],
): AttestedPolicy | undefined {
  const sources = config.issuers.flatMap(sourceOf);
  if (sources.length === 0) return undefined;
  const { maxTokenBytes, verifiedTokenCount: verifiedTokens } = config.limits;
  const tokens = createAttestedTokens<CompiledToken>({ maxTokenBytes, verifiedTokens, observer, compile });
  return { sources, tokens, isAlone: sources.length === config.issuers.length };
}

function sourceOf(config: IssuerConfig): AttestedSource[] {
  return config.jwks.kind === "envoy" ? [{ ...config.jwks, issuer: config }] : [];
}
