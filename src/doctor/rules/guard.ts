// Whether the ext_authz filter asks about every call, and whether its answer counts.

import type { HttpFilter } from "../envoy-config.ts";
import type { Tell } from "../finding.ts";
import { at, entriesAt, has, isOn, numberAt, textAt } from "../settings.ts";
import { isNoneOf, isOnBad, isThereBad, judgeSwitches, type Switch } from "../switches.ts";

export const GUARD_RULES = {
  "failure-mode-allow": {
    severity: "unsafe",
    want: "failure_mode_allow: false",
    why: "When the sidecar is away or late, every call passes on every route. Which calls may pass while the store is out is decided by tier, in Portcullis (failOpenFor).",
    see: "extAuthz",
  },
  "failure-mode-header": {
    severity: "note",
    want: "leave failure_mode_allow_header_add out",
    why: "It marks calls that passed without an answer. None should: x-auth-assurance says what each allow stands on.",
    see: "extAuthz",
  },
  "shadow-mode": {
    severity: "unsafe",
    want: "shadow_mode: false",
    why: "Answers are written down and not obeyed: refused calls pass.",
    see: "extAuthz",
  },
  "http-service": {
    severity: "unsafe",
    want: "grpc_service with the cluster of Portcullis",
    why: "Portcullis speaks gRPC only. No call is answered, and failure_mode_allow alone decides.",
    see: "extAuthz",
  },
  "transport-version": {
    severity: "unsafe",
    want: "transport_api_version: V3",
    why: "Portcullis answers envoy.service.auth.v3.Authorization; any other version is an unknown method to it.",
    see: "extAuthz",
  },
  "filter-fraction": {
    severity: "unsafe",
    want: "leave filter_enabled out, or 100 % of it",
    why: "The other calls are not asked about: they pass without a token, with whatever identity headers they bring. Where deny_at_disable is on they are all refused instead.",
    see: "extAuthz",
  },
  "filter-fraction-runtime": {
    severity: "note",
    want: "filter_enabled without runtime_key",
    why: "Whoever can set this runtime key can turn the guard off.",
    see: "extAuthz",
  },
  "filter-by-metadata": {
    severity: "unsafe",
    want: "leave filter_enabled_metadata out",
    why: "Calls whose metadata does not match are not asked about.",
    see: "extAuthz",
  },
  "filter-by-match": {
    severity: "unsafe",
    want: "the ext_authz filter itself in http_filters, and anonymous routes in portcullis.yaml",
    why: "A matcher decides by the request, which the caller writes, whether the guard runs at all.",
    see: "matching",
  },
  "filter-disabled": {
    severity: "unsafe",
    want: "leave `disabled` out",
    why: "The guard is off wherever a route does not turn it on.",
    see: "manager",
  },
  "answer-cache": {
    severity: "unsafe",
    want: "no cache of ext_authz answers",
    why: "A cached allow hides a revocation for as long as it is kept. Portcullis keeps answers itself, as old as each tier says.",
    see: "extAuthz",
  },
  "status-on-error": {
    severity: "note",
    want: "status_on_error: { code: ServiceUnavailable }",
    why: "When no answer comes callers should try again (503); 403, the default, tells them that they may not.",
    see: "extAuthz",
  },
} as const;

const FULL = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

type GuardRule = keyof typeof GUARD_RULES;

/** Of envoy.type.v3.StatusCode, those that say that it is the server's own fault. */
const SERVER_ERRORS = [
  "InternalServerError",
  "NotImplemented",
  "BadGateway",
  "ServiceUnavailable",
  "GatewayTimeout",
  "InsufficientStorage",
  "NetworkAuthenticationRequired",
];

const SWITCHES: readonly Switch<GuardRule>[] = [
  { rule: "failure-mode-allow", setting: ["failure_mode_allow"], isBad: isOnBad },
  { rule: "failure-mode-header", setting: ["failure_mode_allow_header_add"], isBad: isOnBad },
  { rule: "shadow-mode", setting: ["shadow_mode"], isBad: isOnBad },
  { rule: "http-service", setting: ["http_service"], isBad: isThereBad },
  { rule: "transport-version", setting: ["transport_api_version"], isBad: isNoneOf("V3") },
  { rule: "status-on-error", setting: ["status_on_error", "code"], isBad: isNoneOf(...SERVER_ERRORS) },
];

export function judgeGuard({ where, settings, isDisabled, isConditional }: HttpFilter, say: Tell<GuardRule>): void {
  judgeSwitches(settings, where, SWITCHES, say);
  if (isDisabled) say("filter-disabled", where, "disabled: true");
  if (isConditional) say("filter-by-match", where, "ext_authz inside another filter's actions");
  judgeShare(settings, where, say);
  // One is being proposed; its name is not known yet.
  for (const [name] of entriesAt(settings)) {
    if (name.includes("cache") && !name.startsWith("clear_route_cache")) say("answer-cache", where, name);
  }
}

function judgeShare(settings: unknown, where: string, say: Tell<GuardRule>): void {
  if (isOn(settings, "deny_at_disable", "default_value")) return;
  if (has(settings, "filter_enabled_metadata")) say("filter-by-metadata", where, "filter_enabled_metadata");
  const enabled = at(settings, "filter_enabled");
  if (enabled === undefined) return;
  const numerator = numberAt(enabled, "default_value", "numerator") ?? 0;
  const denominator = textAt(enabled, "default_value", "denominator") ?? "HUNDRED";
  const full = FULL[denominator as keyof typeof FULL] ?? FULL.HUNDRED;
  const key = textAt(enabled, "runtime_key");
  if (numerator < full) say("filter-fraction", where, `filter_enabled: ${(numerator / full) * 100} %`);
  else if (key !== undefined) say("filter-fraction-runtime", where, `filter_enabled by runtime key ${key}`);
}
