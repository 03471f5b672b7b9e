// The diagnosis of an Envoy: every rule over every part of its configuration. Pure: the dump comes in, findings go out.

import { GUARD, type EnvoyConfig, type HttpFilter, type Manager } from "./envoy-config.ts";
import type { Finding, Rule, Tell } from "./finding.ts";
import { PAGES } from "./pages.ts";
import { CLUSTER_RULES, judgeCluster } from "./rules/cluster.ts";
import { ENDPOINT_RULES, judgeEndpoints } from "./rules/endpoints.ts";
import { FILTER_RULES, judgeFilters } from "./rules/filters.ts";
import { GUARD_RULES, judgeGuard } from "./rules/guard.ts";
import { judgeManager, MANAGER_RULES } from "./rules/manager.ts";
import { judgeQuestion, QUESTION_RULES } from "./rules/question.ts";
import { judgeRoute, ROUTE_RULES, servicesOf } from "./rules/routes.ts";
import { judgeService, SERVICE_RULES } from "./rules/service.ts";
import { at, durationMsAt, textAt } from "./settings.ts";
import type { SidecarFacts } from "./sidecar-facts.ts";

const WHOLE_RULES = {
  "no-guard": {
    severity: "unsafe",
    want: "the ext_authz filter before the router of every listener that the world can reach",
    why: "Nothing guards this Envoy: every call passes.",
    see: "extAuthz",
  },
  "listener-unguarded": {
    severity: "note",
    want: "the ext_authz filter here too, unless nobody outside reaches it",
    why: "Calls that come this way pass, with whatever identity headers they bring.",
    see: "extAuthz",
  },
  "version-appends": {
    severity: "note",
    want: "1.37.1 or newer",
    why: "1.37.0 is reported to append a header where other versions overwrite, unless the server says which. Portcullis does; other servers beside it may not.",
    see: "headerDefault",
  },
  "version-old": {
    severity: "note",
    want: "1.36.2 or newer",
    why: "Portcullis is tested against nothing older, and an answer's details had other meanings there.",
    see: "edge",
  },
} as const;

export type RuleId =
  | keyof typeof WHOLE_RULES
  | keyof typeof GUARD_RULES
  | keyof typeof QUESTION_RULES
  | keyof typeof SERVICE_RULES
  | keyof typeof CLUSTER_RULES
  | keyof typeof ENDPOINT_RULES
  | keyof typeof MANAGER_RULES
  | keyof typeof FILTER_RULES
  | keyof typeof ROUTE_RULES;

export const RULES: Readonly<Record<RuleId, Rule>> = {
  ...WHOLE_RULES,
  ...GUARD_RULES,
  ...QUESTION_RULES,
  ...SERVICE_RULES,
  ...CLUSTER_RULES,
  ...ENDPOINT_RULES,
  ...MANAGER_RULES,
  ...FILTER_RULES,
  ...ROUTE_RULES,
};

export interface Diagnosis {
  readonly version: string | undefined;
  /** HTTP connection managers, and how many of them have a guard. */
  readonly managerCount: number;
  readonly guardedCount: number;
  /** unsafe first, then slow, then notes. */
  readonly findings: readonly Finding[];
}

/** Of the oldest version that is tested. */
const OLDEST_MINOR = 36;
const APPENDING_VERSION = "1.37.0";
/** Envoy's own, of a Check without one. */
const DEFAULT_TIMEOUT_MS = 200;
const ORDER = ["unsafe", "slow", "note"] as const;

export function diagnose(config: EnvoyConfig, facts: SidecarFacts): Diagnosis {
  const findings = new Map<string, Finding>();
  const say: Tell<RuleId> = (rule, where, found) => {
    const { severity, want, why, see } = RULES[rule];
    // Many listeners share a route configuration or a cluster: each fault of it is told once.
    findings.set(JSON.stringify([rule, where, found]), { rule, severity, where, found, want, why, see: PAGES[see] });
  };
  const guarded = config.managers.filter((manager) => guardsOf(manager).length > 0);
  judgeWhole(config, guarded, say);
  if (config.version !== undefined) judgeVersion(config.version, say);
  for (const manager of guarded) judgeGuarded(manager, config, facts, say);
  return {
    version: config.version,
    managerCount: config.managers.length,
    guardedCount: guarded.length,
    findings: [...findings.values()].toSorted(
      (left, right) => ORDER.indexOf(left.severity) - ORDER.indexOf(right.severity),
    ),
  };
}

function guardsOf({ filters }: Manager): readonly HttpFilter[] {
  return filters.filter(({ type }) => type === GUARD);
}

function judgeWhole(config: EnvoyConfig, guarded: readonly Manager[], say: Tell<keyof typeof WHOLE_RULES>): void {
  if (guarded.length === 0) say("no-guard", "all listeners", "no filter envoy.filters.http.ext_authz");
  for (const manager of config.managers) {
    if (guarded.length > 0 && !manager.isOutbound && !guarded.includes(manager))
      say("listener-unguarded", manager.where, "no filter envoy.filters.http.ext_authz");
  }
}

function judgeVersion(version: string, say: Tell<keyof typeof WHOLE_RULES>): void {
  const [major = 1, minor = OLDEST_MINOR] = version.split(".").map(Number);
  if (version === APPENDING_VERSION) say("version-appends", "this Envoy", version);
  if (major === 1 && minor < OLDEST_MINOR) say("version-old", "this Envoy", version);
}

function judgeGuarded(manager: Manager, config: EnvoyConfig, facts: SidecarFacts, say: Tell<RuleId>): void {
  const guards = guardsOf(manager);
  judgeManager(manager, say);
  judgeFilters(
    manager.filters,
    manager.filters.findIndex(({ type }) => type === GUARD),
    facts,
    say,
  );
  for (const guard of guards) {
    judgeGuard(guard, say);
    judgeQuestion(guard, facts, say);
    judgeAsking(at(guard.settings, "grpc_service"), guard.where, config, facts, say);
  }
  for (const route of manager.routes) {
    judgeRoute(route, guards, facts, say);
    for (const service of servicesOf(route, guards)) judgeAsking(service, route.where, config, facts, say);
  }
}

function judgeAsking(
  service: unknown,
  where: string,
  config: EnvoyConfig,
  facts: SidecarFacts,
  say: Tell<RuleId>,
): void {
  if (service === undefined) return;
  judgeService(service, where, facts, say);
  const name = textAt(service, "envoy_grpc", "cluster_name");
  if (name === undefined) return;
  const cluster = config.clusters.get(name);
  if (cluster === undefined) return say("cluster-missing", where, `cluster ${name}`);
  judgeCluster(cluster, durationMsAt(service, "timeout") ?? DEFAULT_TIMEOUT_MS, facts, say);
  judgeEndpoints(cluster, facts, say);
}
