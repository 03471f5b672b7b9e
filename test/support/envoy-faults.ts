// One bad setting each, made in the reference configuration: for every rule of the doctor at least one.
import type { RuleId } from "../../src/doctor/diagnose.ts";
import type { EnvoyParts, Settings } from "./envoy.ts";

export interface EnvoyFault {
  readonly rule: RuleId;
  readonly edit: (parts: EnvoyParts) => void;
  /** Broken besides, for Envoy takes the one only with the other. */
  readonly also?: RuleId;
  /** What no Envoy of today runs with: shown to the rules in a dump made by hand only. */
  readonly isImagined?: true;
}

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const PER_ROUTE = `${EXTENSIONS}.filters.http.ext_authz.v3.ExtAuthzPerRoute`;

const guard =
  (change: (filter: Settings) => void) =>
  ({ extAuthz }: EnvoyParts): void =>
    change(extAuthz);
const service = (change: (grpcService: Settings) => void) =>
  guard((filter) => change(filter["grpc_service"] as Settings));
const cluster =
  (change: (settings: Settings) => void) =>
  ({ portcullisCluster }: EnvoyParts): void =>
    change(portcullisCluster);
const manager =
  (change: (settings: Settings) => void) =>
  ({ connectionManager }: EnvoyParts): void =>
    change(connectionManager);
const common = (change: (options: Settings) => void) =>
  manager((settings) => change(settings["common_http_protocol_options"] as Settings));
const host = (change: (virtualHost: Settings) => void) =>
  manager((settings) => {
    const [first] = (settings["route_config"] as { virtual_hosts: Settings[] }).virtual_hosts;
    if (first !== undefined) change(first);
  });
/** A route before the others. */
const route = (settings: Settings) =>
  host((virtualHost) => void (virtualHost["routes"] as Settings[]).unshift(settings));
const filterBefore = (filter: Settings) =>
  manager((settings) => void (settings["http_filters"] as Settings[]).unshift(filter));
const filterAfter = (filter: Settings) =>
  manager((settings) => void (settings["http_filters"] as Settings[]).splice(-1, 0, filter));

function httpFilter(name: string, type: string, settings: Settings): Settings {
  return { name, typed_config: { "@type": `${EXTENSIONS}.filters.http.${type}`, ...settings } };
}

export function setting(name: string, value: unknown): (settings: Settings) => void {
  return (settings) => void (settings[name] = value);
}

function unset(name: string): (settings: Settings) => void {
  return (settings) => void delete settings[name];
}

const toUpstream = { cluster: "upstream" };
const half = { default_value: { numerator: 50 } };
const ownRoute = (name: string, settings: Settings): Settings => ({
  name,
  match: { path: `/${name}` },
  route: toUpstream,
  ...settings,
});
const perRoute = (settings: Settings): Settings => ({
  typed_per_filter_config: { "envoy.filters.http.ext_authz": { "@type": PER_ROUTE, ...settings } },
});

/** The ext_authz filter moved into a matcher, by which `/public` goes around it. */
function underMatcher({ connectionManager, extAuthz }: EnvoyParts): void {
  const skip = { "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter" };
  const path = {
    "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
    header_name: ":path",
  };
  const filters = connectionManager["http_filters"] as Settings[];
  filters[0] = {
    name: "envoy.filters.http.ext_authz",
    typed_config: {
      "@type": `${EXTENSIONS}.common.matching.v3.ExtensionWithMatcher`,
      extension_config: { name: "ext_authz", typed_config: extAuthz },
      xds_matcher: {
        matcher_tree: {
          input: { name: "path", typed_config: path },
          prefix_match_map: { map: { "/public": { action: { name: "skip", typed_config: skip } } } },
        },
      },
    },
  };
}

/** A listener that nothing guards, beside the first. */
function secondListener({ bootstrap }: EnvoyParts): void {
  const { listeners } = bootstrap["static_resources"] as { listeners: Settings[] };
  const copy = structuredClone(listeners[0] ?? {});
  const [chain] = copy["filter_chains"] as [{ filters: [{ typed_config: { http_filters: Settings[] } }] }];
  chain.filters[0].typed_config.http_filters.shift();
  listeners.push({ ...copy, name: "back-door" });
}

export const ENVOY_FAULTS: readonly EnvoyFault[] = [
  { rule: "failure-mode-allow", edit: guard(setting("failure_mode_allow", true)) },
  { rule: "failure-mode-header", edit: guard(setting("failure_mode_allow_header_add", true)) },
  { rule: "shadow-mode", edit: guard(setting("shadow_mode", true)) },
  { rule: "filter-fraction", edit: guard(setting("filter_enabled", half)) },
  {
    rule: "filter-fraction-runtime",
    edit: guard(setting("filter_enabled", { default_value: { numerator: 100 }, runtime_key: "guard" })),
  },
  {
    rule: "filter-by-metadata",
    edit: guard(
      setting("filter_enabled_metadata", { filter: "x", path: [{ key: "y" }], value: { present_match: true } }),
    ),
  },
  { rule: "filter-by-match", edit: underMatcher },
  {
    rule: "filter-disabled",
    edit: manager((settings) => setting("disabled", true)((settings["http_filters"] as [Settings])[0])),
  },
  { rule: "answer-cache", edit: guard(setting("response_cache", { ttl: "60s" })), isImagined: true },
  { rule: "status-on-error", edit: guard(unset("status_on_error")) },
  { rule: "status-on-error", edit: guard(setting("status_on_error", { code: "Forbidden" })) },
  {
    rule: "transport-version",
    edit: guard(setting("transport_api_version", "V2")),
    isImagined: true,
  },
  {
    rule: "http-service",
    edit: guard((filter) => {
      delete filter["grpc_service"];
      filter["http_service"] = {
        server_uri: { uri: "http://127.0.0.1:9001", cluster: "portcullis", timeout: "0.25s" },
      };
    }),
  },
  {
    rule: "google-grpc",
    edit: service((of) => {
      delete of["envoy_grpc"];
      of["google_grpc"] = { target_uri: "127.0.0.1:9001", stat_prefix: "portcullis" };
    }),
  },
  { rule: "timeout-unset", edit: service(unset("timeout")) },
  { rule: "timeout-short", edit: service(setting("timeout", "0.15s")) },
  { rule: "timeout-long", edit: service(setting("timeout", "600s")) },
  { rule: "timeout-long", edit: service(setting("timeout", "0s")) },
  { rule: "no-retry", edit: service(unset("retry_policy")) },
  { rule: "raw-headers-off", edit: guard(unset("encode_raw_headers")) },
  {
    rule: "headers-hidden",
    edit: guard(setting("allowed_headers", { patterns: [{ exact: "authorization" }] })),
  },
  {
    rule: "headers-hidden",
    edit: guard(setting("disallowed_headers", { patterns: [{ safe_regex: { regex: "(?i)AUTHORI.*" } }] })),
  },
  {
    rule: "headers-unreadable",
    edit: guard(setting("disallowed_headers", { patterns: [{ safe_regex: { regex: "(?U)x-t+race" } }] })),
  },
  {
    rule: "mutations-restricted",
    edit: guard(setting("decoder_header_mutation_rules", { disallow_all: true })),
  },
  { rule: "mutations-unchecked", edit: guard(unset("validate_mutations")) },
  { rule: "metadata-ignored", edit: guard(setting("enable_dynamic_metadata_ingestion", false)) },
  { rule: "route-cleared", edit: guard(setting("clear_route_cache", true)) },
  { rule: "body-sent", edit: guard(setting("with_request_body", { max_request_bytes: 1024 })) },
  { rule: "certificate-sent", edit: guard(setting("include_peer_certificate", true)) },
  {
    rule: "tier-not-told",
    edit: (parts) => {
      delete parts.extAuthz["route_metadata_context_namespaces"];
      route(ownRoute("told", { metadata: { filter_metadata: { portcullis: { tier: "critical" } } } }))(parts);
    },
  },
  {
    rule: "cluster-missing",
    edit: service(setting("envoy_grpc", { cluster_name: "gone" })),
    isImagined: true,
  },
  {
    rule: "cluster-not-http2",
    also: "cluster-no-health-check",
    edit: cluster((settings) => {
      delete settings["typed_extension_protocol_options"];
      delete settings["health_checks"];
    }),
  },
  {
    rule: "cluster-no-keepalive",
    edit: cluster((settings) => {
      delete settings["typed_extension_protocol_options"];
      settings["http2_protocol_options"] = {};
    }),
  },
  { rule: "cluster-no-health-check", edit: cluster(unset("health_checks")) },
  {
    rule: "cluster-limits",
    edit: cluster(setting("circuit_breakers", { thresholds: [{ max_requests: 9999, max_pending_requests: 9999 }] })),
  },
  { rule: "cluster-limits", edit: cluster(unset("circuit_breakers")) },
  {
    rule: "cluster-limits",
    edit: cluster(setting("circuit_breakers", { thresholds: [{ priority: "HIGH", max_requests: 9999 }] })),
  },
  { rule: "cluster-slow-connect", edit: cluster(unset("connect_timeout")) },
  { rule: "cluster-ejects", edit: cluster(setting("outlier_detection", {})) },
  {
    rule: "tokens-in-the-clear",
    edit: cluster((settings) => {
      const address = { socket_address: { address: "192.0.2.1", port_value: 9001 } };
      settings["load_assignment"] = {
        cluster_name: "portcullis",
        endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
      };
    }),
  },
  { rule: "path-not-normalized", edit: manager(unset("normalize_path")) },
  { rule: "slashes-not-merged", edit: manager(unset("merge_slashes")) },
  {
    rule: "escaped-slashes-unescaped",
    edit: manager(setting("path_with_escaped_slashes_action", "UNESCAPE_AND_FORWARD")),
  },
  { rule: "escaped-slashes-unset", edit: manager(unset("path_with_escaped_slashes_action")) },
  { rule: "underscores-allowed", edit: common(unset("headers_with_underscores_action")) },
  { rule: "strangers-believed", edit: manager(unset("use_remote_address")) },
  { rule: "stream-unbounded", edit: common(unset("max_stream_duration")) },
  {
    rule: "upgrade-unbounded",
    edit: (parts) => {
      common(setting("max_stream_duration", "0s"))(parts);
      manager(setting("upgrade_configs", [{ upgrade_type: "websocket" }]))(parts);
    },
  },
  {
    rule: "upgrade-unbounded",
    edit: (parts) => {
      common(unset("max_stream_duration"))(parts);
      route(ownRoute("socket", { route: { ...toUpstream, upgrade_configs: [{ upgrade_type: "websocket" }] } }))(parts);
    },
  },
  {
    rule: "cache-before-guard",
    edit: filterBefore(
      httpFilter("envoy.filters.http.cache", "cache.v3.CacheConfig", {
        typed_config: { "@type": `${EXTENSIONS}.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig` },
      }),
    ),
  },
  {
    rule: "credential-before-guard",
    edit: filterBefore(
      httpFilter("envoy.filters.http.credential_injector", "credential_injector.v3.CredentialInjector", {
        credential: {
          name: "generic",
          typed_config: {
            "@type": `${EXTENSIONS}.http.injected_credentials.generic.v3.Generic`,
            credential: { name: "token" },
          },
        },
      }),
    ),
    isImagined: true,
  },
  {
    rule: "body-before-guard",
    edit: filterBefore(httpFilter("envoy.filters.http.buffer", "buffer.v3.Buffer", { max_request_bytes: 1024 })),
  },
  {
    rule: "changed-after-guard",
    edit: filterAfter(
      httpFilter("envoy.filters.http.lua", "lua.v3.Lua", {
        default_source_code: { inline_string: "function envoy_on_request(handle) end" },
      }),
    ),
  },
  {
    rule: "identity-changed-by-filter",
    edit: filterAfter(
      httpFilter("envoy.filters.http.header_mutation", "header_mutation.v3.HeaderMutation", {
        mutations: { request_mutations: [{ append: { header: { key: "X-Auth-Subject", value: "root" } } }] },
      }),
    ),
  },
  {
    rule: "identity-changed-by-filter",
    edit: filterAfter(
      httpFilter("envoy.filters.http.header_mutation", "header_mutation.v3.HeaderMutation", {
        mutations: { request_mutations: [{ remove: "x-auth-scope" }] },
      }),
    ),
  },
  { rule: "route-disabled", edit: route(ownRoute("open", perRoute({ disabled: true }))) },
  {
    rule: "route-disabled",
    edit: host((settings) => Object.assign(settings, perRoute({ disabled: true }))),
  },
  {
    rule: "route-disabled",
    edit: route(
      ownRoute("split", {
        route: {
          weighted_clusters: { clusters: [{ name: "upstream", weight: 1, ...perRoute({ disabled: true }) }] },
        },
      }),
    ),
  },
  {
    rule: "route-disabled",
    edit: route(
      ownRoute("off", {
        typed_per_filter_config: {
          "envoy.filters.http.ext_authz": {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
            disabled: true,
            config: {},
          },
        },
      }),
    ),
  },
  {
    rule: "route-asks-http",
    edit: route(
      ownRoute(
        "elsewhere",
        perRoute({
          check_settings: {
            http_service: { server_uri: { uri: "http://127.0.0.1:9", cluster: "upstream", timeout: "0.2s" } },
          },
        }),
      ),
    ),
  },
  {
    rule: "route-sends-body",
    edit: route(ownRoute("upload", perRoute({ check_settings: { with_request_body: { max_request_bytes: 1024 } } }))),
  },
  {
    rule: "identity-overwritten",
    edit: route(
      ownRoute("named", { request_headers_to_add: [{ header: { key: "x-auth-subject", value: "%REQ(x-user)%" } }] }),
    ),
  },
  {
    rule: "identity-overwritten",
    edit: host(setting("request_headers_to_remove", ["X-Auth-Assurance"])),
  },
  { rule: "listener-unguarded", edit: secondListener },
  {
    rule: "no-guard",
    edit: manager((settings) => void (settings["http_filters"] as Settings[]).shift()),
  },
];
