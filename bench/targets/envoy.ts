// A real Envoy in front, set up for one of: nothing, its own jwt_authn, ext_authz. It answers 200 itself, so that no
// upstream is measured with it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { AUDIENCE, ISSUER } from "../fixtures/tokens.ts";
import { isListening, until } from "../ports.ts";
import { CORE, type Processes, type Running } from "../processes.ts";

export type Guard =
  | { readonly kind: "none" }
  | { readonly kind: "jwt_authn"; readonly jwksFile: string; readonly cacheCount: number }
  /** By the filter and cluster of the project's envoy/envoy.yaml, or by a plain one that the peers understand. */
  | { readonly kind: "ext_authz"; readonly port: number; readonly reference: string | undefined };

interface FilterAndClusters {
  readonly filters: readonly object[];
  readonly clusters: readonly object[];
}

/** Starts it on core 1 with one worker; done when it listens. */
export async function startEnvoy(
  processes: Processes,
  binary: string,
  workFolder: string,
  port: number,
  guard: Guard,
): Promise<Running> {
  const file = join(workFolder, "envoy.json");
  writeFileSync(file, JSON.stringify(config(port, guard), undefined, 2));
  // Without a base id of its own, Envoys of one machine meet each other's shared memory.
  const command = [binary, "-c", file, "--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id"];
  const running = processes.start("envoy", CORE.others, command);
  await until("Envoy", running, () => isListening({ host: "127.0.0.1", port }));
  return running;
}

function config(port: number, guard: Guard): object {
  const { filters, clusters } = filterOf(guard);
  const manager = typed("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "bench",
    http_filters: [...filters, { name: "router", typed_config: typed("extensions.filters.http.router.v3.Router", {}) }],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok" } } }],
        },
      ],
    },
  });
  const listener = {
    name: "ingress",
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    filter_chains: [{ filters: [{ name: "manager", typed_config: manager }] }],
  };
  return { static_resources: { listeners: [listener], clusters } };
}

function filterOf(guard: Guard): FilterAndClusters {
  switch (guard.kind) {
    case "none":
      return { filters: [], clusters: [] };
    case "jwt_authn":
      return { filters: [jwtAuthn(guard.jwksFile, guard.cacheCount)], clusters: [] };
    case "ext_authz":
      return guard.reference === undefined ? plainExtAuthz(guard.port) : referenceExtAuthz(guard.reference, guard.port);
  }
}

function jwtAuthn(jwksFile: string, cacheCount: number): object {
  const provider = {
    issuer: ISSUER,
    audiences: [AUDIENCE],
    local_jwks: { filename: jwksFile },
    claim_to_headers: [
      { header_name: "x-auth-subject", claim_name: "sub" },
      { header_name: "x-auth-session", claim_name: "sid" },
      { header_name: "x-auth-scope", claim_name: "scope" },
    ],
    ...(cacheCount === 0 ? {} : { jwt_cache_config: { jwt_cache_size: cacheCount, jwt_max_token_size: 4096 } }),
  };
  return {
    name: "jwt_authn",
    typed_config: typed("extensions.filters.http.jwt_authn.v3.JwtAuthentication", {
      providers: { main: provider },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "main" } }],
    }),
  };
}

function plainExtAuthz(port: number): FilterAndClusters {
  const service = { envoy_grpc: { cluster_name: "authz" }, timeout: "0.25s" };
  const filter = typed("extensions.filters.http.ext_authz.v3.ExtAuthz", {
    transport_api_version: "V3",
    grpc_service: service,
  });
  const http2 = typed("extensions.upstreams.http.v3.HttpProtocolOptions", {
    explicit_http_config: { http2_protocol_options: {} },
  });
  return {
    filters: [{ name: "ext_authz", typed_config: filter }],
    clusters: [
      {
        name: "authz",
        type: "STATIC",
        connect_timeout: "1s",
        typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2 },
        load_assignment: assignment("authz", port),
      },
    ],
  };
}

interface ReferenceFile {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly filter_chains: readonly { readonly filters: readonly NetworkFilter[] }[];
    }[];
    readonly clusters: readonly { readonly name: string }[];
  };
}
interface NetworkFilter {
  readonly typed_config: { readonly http_filters?: readonly { readonly name: string }[] };
}

/** The ext_authz filter and the cluster `portcullis` as the reference configuration has them, with another port. */
function referenceExtAuthz(file: string, port: number): FilterAndClusters {
  const { listeners, clusters } = (parse(readFileSync(file, "utf8")) as ReferenceFile).static_resources;
  const filters = listeners
    .flatMap((listener) => listener.filter_chains.flatMap((chain) => chain.filters))
    .flatMap((filter) => filter.typed_config.http_filters ?? [])
    .filter((filter) => filter.name === "envoy.filters.http.ext_authz");
  const cluster = clusters.find(({ name }) => name === "portcullis");
  if (filters.length !== 1 || cluster === undefined)
    throw new Error(`${file} has no ext_authz filter with its cluster`);
  return { filters, clusters: [{ ...cluster, load_assignment: assignment("portcullis", port) }] };
}

function assignment(cluster: string, port: number): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return { cluster_name: cluster, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
}

function typed(type: string, fields: object): object {
  return { "@type": `type.googleapis.com/envoy.${type}`, ...fields };
}
