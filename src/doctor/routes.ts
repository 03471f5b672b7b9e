// The places of a route configuration that have settings of their own: the whole, its virtual hosts, their routes and
// the routes' weighted clusters. It judges nothing.

import { at, entriesAt, isOn, listAt, messagesOf, textAt, typeOf, unwrapped } from "./settings.ts";

const ROUTE = "envoy.config.route.v3.Route";
const FILTER_CONFIG = "envoy.config.route.v3.FilterConfig";

/** What a place says to one filter. */
export interface FilterOverride {
  /** As the filter is named in the manager. */
  readonly filter: string;
  readonly type: string;
  readonly settings: unknown;
  /** Said by Envoy's own switch, whatever the filter. */
  readonly isDisabled: boolean;
}

export interface RouteEntry {
  readonly where: string;
  readonly settings: unknown;
  readonly overrides: readonly FilterOverride[];
  /** False: Envoy answers itself, so that nothing gets through here. */
  readonly reachesUpstream: boolean;
  /** A route or a weighted cluster of one: what has an action. */
  readonly isRoute: boolean;
}

export function readRoutes(routeConfig: unknown, manager: string): readonly RouteEntry[] {
  const name = textAt(routeConfig, "name");
  const where = name === undefined || name === "" ? `${manager}, routes` : `${manager}, routes ${name}`;
  return [entry(where, routeConfig), ...listAt(routeConfig, "virtual_hosts").flatMap((host) => hostOf(host, where))];
}

function hostOf(host: unknown, above: string): readonly RouteEntry[] {
  const where = `${above}, host ${textAt(host, "name") ?? "?"}`;
  const matched = messagesOf(at(host, "matcher"), ROUTE);
  return [
    entry(where, host),
    ...[...listAt(host, "routes"), ...matched].flatMap((route, i) => routeOf(route, i, where)),
  ];
}

function routeOf(route: unknown, index: number, above: string): readonly RouteEntry[] {
  const name = textAt(route, "name") ?? "";
  const where = `${above}, route ${name === "" ? matchOf(route, index) : name}`;
  const reachesUpstream = at(route, "direct_response") === undefined && at(route, "redirect") === undefined;
  const weighted = listAt(route, "route", "weighted_clusters", "clusters").map((cluster) =>
    entry(`${where}, cluster ${textAt(cluster, "name") ?? "?"}`, cluster),
  );
  return [{ ...entry(where, route), reachesUpstream, isRoute: true }, ...weighted];
}

/** `/api` of a prefix, `=/api` of a whole path, else its place. */
function matchOf(route: unknown, index: number): string {
  const match = at(route, "match");
  const prefix = textAt(match, "prefix") ?? textAt(match, "path_separated_prefix");
  const path = textAt(match, "path");
  return prefix ?? (path === undefined ? (textAt(match, "safe_regex", "regex") ?? `#${index}`) : `=${path}`);
}

function entry(where: string, settings: unknown): RouteEntry {
  return { where, settings, overrides: overridesOf(settings), reachesUpstream: true, isRoute: false };
}

function overridesOf(place: unknown): readonly FilterOverride[] {
  return entriesAt(place, "typed_per_filter_config").map(([filter, config]) => {
    const outer = unwrapped(config);
    const isWrapped = typeOf(outer) === FILTER_CONFIG;
    const settings = isWrapped ? unwrapped(at(outer, "config")) : outer;
    return { filter, type: typeOf(settings), settings, isDisabled: isWrapped && isOn(outer, "disabled") };
  });
}
