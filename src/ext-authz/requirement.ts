// Decides what a request must show before its credentials are looked at: rule, tier and scopes of routes and of
// Envoy's own word. Never looks at credentials.

import type { DenyReason } from "../core/deny-reason.ts";
import { stricter, type Tier } from "../core/tier.ts";
import { canonicalPath } from "../policy/path.ts";
import type { RouteJudgement, Routes } from "../policy/route.ts";
import type { TierTable } from "../policy/tier.ts";
import type { AuthzRequest } from "./authz-request.ts";

/** The part of a policy that judges requests without their credentials. */
export interface RequestPolicy {
  readonly routes: Routes;
  readonly tiers: TierTable;
  readonly ambiguousPaths: "refuse" | "strictest";
}

export interface Requirement {
  /** Canonical; undefined where the path has no one meaning. */
  readonly path: string | undefined;
  readonly rule: string | undefined;
  readonly anonymous: boolean;
  /** The strictest of the rule's and of Envoy's; the token's scopes may yet raise it. */
  readonly tier: Tier;
  readonly scopes: readonly string[];
  /** Set where the request is refused whatever it shows. */
  readonly refusal: Extract<DenyReason, "malformed_request" | "ambiguous_path" | "config_error"> | undefined;
}

export function requirementOf(request: AuthzRequest, policy: RequestPolicy): Requirement {
  const { routes, tiers } = policy;
  const canonical = canonicalPath(request.path);
  const path = canonical.ok ? canonical.value : undefined;
  const host = routes.hostOf(request.host);
  if (host === undefined) return withoutHost(path, tiers.strictest);
  const judgement = path === undefined ? routes.judgeAmbiguous(host) : routes.judge(request.method, host, path);
  const tier = strictestTier(judgement, request, tiers);
  return {
    path,
    rule: judgement.rule,
    // Scopes that Envoy asks for on an anonymous rule contradict it: the stricter word counts.
    anonymous: judgement.anonymous && request.scopes.length === 0,
    tier: tier ?? tiers.strictest,
    scopes: request.scopes.length === 0 ? judgement.scopes : [...new Set([...judgement.scopes, ...request.scopes])],
    refusal: refusalOf(path !== undefined || policy.ambiguousPaths === "strictest", tier),
  };
}

/** Refused under `ambiguousPaths: strictest` too: of which host's scopes would it need every one? */
function withoutHost(path: string | undefined, tier: Tier): Requirement {
  return { path, rule: undefined, anonymous: false, tier, scopes: [], refusal: "malformed_request" };
}

function refusalOf(pathIsJudged: boolean, tier: Tier | undefined): Requirement["refusal"] {
  if (!pathIsJudged) return "ambiguous_path";
  return tier === undefined ? "config_error" : undefined;
}

/** Undefined where Envoy names a tier that does not exist: not a guess, but a configuration error. */
function strictestTier(judgement: RouteJudgement, request: AuthzRequest, tiers: TierTable): Tier | undefined {
  let strictest = judgement.tier;
  for (const name of request.tiers) {
    const tier = tiers.named(name);
    if (tier === undefined) return undefined;
    strictest = stricter(strictest, tier);
  }
  return strictest;
}
