// Routes that go around the guard, ask it otherwise, or write over what it said.

import { type FilterOverride, type RouteEntry } from "../routes.ts";
import type { HttpFilter } from "../envoy-config.ts";
import type { Tell } from "../finding.ts";
import { entriesAt, has, isOn, listAt, textAt } from "../settings.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";

export const ROUTE_RULES = {
  "route-disabled": {
    severity: "unsafe",
    want: "`anonymous: true` for the route in portcullis.yaml",
    why: "Portcullis is not asked, and removes nothing: a client's own x-auth-* headers reach the upstream.",
    see: "extAuthz",
  },
  "route-asks-http": {
    severity: "unsafe",
    want: "grpc_service with the cluster of Portcullis",
    why: "Portcullis speaks gRPC only. No call of this route is answered, and failure_mode_allow alone decides.",
    see: "extAuthz",
  },
  "route-sends-body": {
    severity: "slow",
    want: "leave with_request_body out",
    why: "Bodies are held in Envoy until Portcullis has answered, which never looks at them.",
    see: "extAuthz",
  },
  "identity-overwritten": {
    severity: "unsafe",
    want: "no mutation of the headers that Portcullis sets",
    why: "Envoy makes these changes after the answer: the upstream takes them for the identity that was proved.",
    see: "headers",
  },
  "tier-not-told": {
    severity: "unsafe",
    want: "route_metadata_context_namespaces: [portcullis] in the filter",
    why: "The route's metadata names a tier, and Envoy does not send it: the route is judged in a weaker one.",
    see: "extAuthz",
  },
} as const;

const PER_ROUTE = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
const NAMESPACE = "portcullis";

export function judgeRoute(
  route: RouteEntry,
  guards: readonly HttpFilter[],
  facts: SidecarFacts,
  say: Tell<keyof typeof ROUTE_RULES>,
): void {
  const { where, settings } = route;
  for (const override of route.overrides.filter((of) => isOfGuard(of, guards))) judgeOverride(route, override, say);
  for (const [change, name] of headersChanged(settings)) {
    if (facts.managedHeaders.includes(name)) say("identity-overwritten", where, `${change}: ${name}`);
  }
  const isTold = guards.every(({ settings: guard }) =>
    listAt(guard, "route_metadata_context_namespaces").includes(NAMESPACE),
  );
  if (!isTold && has(settings, "metadata", "filter_metadata", NAMESPACE))
    say("tier-not-told", where, `metadata of ${NAMESPACE}`);
}

function judgeOverride(
  { where, reachesUpstream }: RouteEntry,
  { filter, isDisabled, settings }: FilterOverride,
  say: Tell<keyof typeof ROUTE_RULES>,
): void {
  if (reachesUpstream && (isDisabled || isOn(settings, "disabled")))
    say("route-disabled", where, `${filter}: disabled`);
  if (has(settings, "check_settings", "http_service")) say("route-asks-http", where, "http_service");
  if (has(settings, "check_settings", "with_request_body")) say("route-sends-body", where, "with_request_body");
}

function isOfGuard({ filter, type }: FilterOverride, guards: readonly HttpFilter[]): boolean {
  return type === PER_ROUTE || guards.some(({ name }) => name === filter);
}

function headersChanged(place: unknown): readonly (readonly [string, string])[] {
  const added = listAt(place, "request_headers_to_add").map((option) => textAt(option, "header", "key") ?? "");
  const removed = listAt(place, "request_headers_to_remove").map(String);
  return [
    ...added.map((name) => ["request_headers_to_add", name.toLowerCase()] as const),
    ...removed.map((name) => ["request_headers_to_remove", name.toLowerCase()] as const),
  ];
}

/** The services that a route names in place of the filter's, each with where. */
export function servicesOf(route: RouteEntry, guards: readonly HttpFilter[]): readonly unknown[] {
  return route.overrides
    .filter((override) => isOfGuard(override, guards))
    .flatMap(({ settings }) => entriesAt(settings, "check_settings"))
    .filter(([name]) => name === "grpc_service")
    .map(([, service]) => service);
}
