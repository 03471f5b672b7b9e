// An Envoy's /config_dump as the rules see it: HTTP connection managers with their filters and routes, and clusters,
// whether they stand in the file or came by xDS. It judges nothing.

import { err, ok, type Result } from "../core/result.ts";
import { readRoutes, type RouteEntry } from "./routes.ts";
import { at, isOn, listAt, messagesOf, numberAt, textAt, typeOf, unwrapped } from "./settings.ts";

export const GUARD = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
const MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

export interface HttpFilter {
  readonly name: string;
  readonly where: string;
  /** Of its message, as in `envoy.extensions.filters.http.router.v3.Router`; "" while it is not delivered. */
  readonly type: string;
  readonly settings: unknown;
  /** Off unless a route turns it on. */
  readonly isDisabled: boolean;
  /** Another filter decides by the request whether this one runs. */
  readonly isConditional: boolean;
}

export interface Manager {
  readonly where: string;
  readonly settings: unknown;
  /** In their order. */
  readonly filters: readonly HttpFilter[];
  readonly routes: readonly RouteEntry[];
  /** Of a mesh: it takes calls of this machine's own programs. */
  readonly isOutbound: boolean;
}

export interface EnvoyConfig {
  /** `major.minor.patch`; undefined: it does not say. */
  readonly version: string | undefined;
  readonly managers: readonly Manager[];
  readonly clusters: ReadonlyMap<string, unknown>;
}

/** What of a dump is looked up by name. */
interface Delivered {
  readonly extensions: ReadonlyMap<string, unknown>;
  readonly routeConfigs: ReadonlyMap<string, unknown>;
}

/** Reads a parsed /config_dump; the error says what it lacks to be one. */
export function readEnvoyConfig(dump: unknown): Result<EnvoyConfig, string> {
  const parts = new Map(listAt(dump, "configs").map((part) => [typeOf(part), part]));
  const bootstrap = parts.get("envoy.admin.v3.BootstrapConfigDump");
  if (bootstrap === undefined) return err("it has no part `BootstrapConfigDump`");
  const delivered: Delivered = {
    extensions: named(listAt(parts.get("envoy.admin.v3.EcdsConfigDump"), "ecds_filters"), "ecds_filter"),
    routeConfigs: named(listAt(parts.get("envoy.admin.v3.RoutesConfigDump"), "dynamic_route_configs"), "route_config"),
  };
  return ok({
    version: versionOf(bootstrap),
    managers: listenersOf(parts.get("envoy.admin.v3.ListenersConfigDump")).flatMap((listener) =>
      managersOf(listener, delivered),
    ),
    clusters: clustersOf(parts.get("envoy.admin.v3.ClustersConfigDump")),
  });
}

function versionOf(bootstrap: unknown): string | undefined {
  const version = at(bootstrap, "bootstrap", "node", "user_agent_build_version", "version");
  const major = numberAt(version, "major_number");
  if (major === undefined) return undefined;
  return [major, numberAt(version, "minor_number") ?? 0, numberAt(version, "patch") ?? 0].join(".");
}

/** By their names, what stands under `field` of each item. */
function named(items: readonly unknown[], field: string): Map<string, unknown> {
  return new Map(items.map((item) => at(item, field)).map((message) => [textAt(message, "name") ?? "", message]));
}

function clustersOf(part: unknown): Map<string, unknown> {
  const lists = ["static_clusters", "dynamic_warming_clusters", "dynamic_active_clusters"];
  return named(
    lists.flatMap((list) => listAt(part, list)),
    "cluster",
  );
}

/** Those in force and those about to be; one that drains takes no new calls. */
function listenersOf(part: unknown): readonly unknown[] {
  const states = listAt(part, "dynamic_listeners").flatMap((listener) => [
    at(listener, "active_state"),
    at(listener, "warming_state"),
  ]);
  return [...listAt(part, "static_listeners"), ...states]
    .map((state) => at(state, "listener"))
    .filter((listener) => listener !== undefined);
}

function managersOf(listener: unknown, delivered: Delivered): readonly Manager[] {
  const name = textAt(listener, "name") ?? addressOf(listener);
  const isOutbound = textAt(listener, "traffic_direction") === "OUTBOUND";
  const chains = [...listAt(listener, "filter_chains"), at(listener, "default_filter_chain")];
  const inChains = chains.flatMap((chain, index) =>
    listAt(chain, "filters").map((filter) => ({
      where: `listener ${name}${chains.length > 2 ? `, chain ${textAt(chain, "name") ?? index}` : ""}`,
      settings: unwrapped(at(filter, "typed_config")),
    })),
  );
  return [...inChains, { where: `listener ${name}`, settings: at(listener, "api_listener", "api_listener") }]
    .filter(({ settings }) => typeOf(settings) === MANAGER)
    .map(({ where, settings }) => ({
      where,
      settings,
      isOutbound,
      filters: listAt(settings, "http_filters").flatMap((filter) => filtersOf(filter, where, delivered)),
      routes: routeConfigsOf(settings, delivered).flatMap((routes) => readRoutes(routes, where)),
    }));
}

function addressOf(listener: unknown): string {
  const address = at(listener, "address", "socket_address");
  return `${textAt(address, "address") ?? "?"}:${numberAt(address, "port_value") ?? "?"}`;
}

/** Its own, or the delivered ones that it may use: with scopes, that may be any. */
function routeConfigsOf(manager: unknown, { routeConfigs }: Delivered): readonly unknown[] {
  const name = textAt(manager, "rds", "route_config_name");
  if (name !== undefined) return routeConfigs.has(name) ? [routeConfigs.get(name)] : [];
  if (at(manager, "scoped_routes") !== undefined) {
    const inline = listAt(manager, "scoped_routes", "scoped_route_configurations_list", "scoped_route_configurations");
    return [...inline.map((scope) => at(scope, "route_configuration")), ...routeConfigs.values()];
  }
  return [at(manager, "route_config")];
}

function filtersOf(filter: unknown, manager: string, { extensions }: Delivered): readonly HttpFilter[] {
  const name = textAt(filter, "name") ?? "";
  const discovery = at(filter, "config_discovery");
  const settings = unwrapped(
    discovery === undefined
      ? at(filter, "typed_config")
      : (at(extensions.get(name), "typed_config") ?? at(discovery, "default_config")),
  );
  const about = { name, where: `${manager}, filter ${name}`, isDisabled: isOn(filter, "disabled") };
  const itself: HttpFilter = { ...about, type: typeOf(settings), settings, isConditional: false };
  if (itself.type === GUARD) return [itself];
  const inside = messagesOf(settings, GUARD).map((guard): HttpFilter =>
    Object.assign({}, itself, { type: GUARD, settings: guard, isConditional: true }),
  );
  return inside.length > 0 ? inside : [itself];
}
