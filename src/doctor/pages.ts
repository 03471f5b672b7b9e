// The pages that findings point to.

const ENVOY = "https://www.envoyproxy.io/docs/envoy/latest";
const API = `${ENVOY}/api-v3`;

export type Page =
  | "extAuthz"
  | "manager"
  | "protocol"
  | "grpcService"
  | "mutationRules"
  | "route"
  | "cluster"
  | "circuitBreaker"
  | "outlier"
  | "healthCheck"
  | "matching"
  | "credentialInjector"
  | "cache"
  | "headers"
  | "timeouts"
  | "edge"
  | "damagedHeader"
  | "headerDefault";

export const PAGES: Readonly<Record<Page, string>> = {
  extAuthz: `${API}/extensions/filters/http/ext_authz/v3/ext_authz.proto`,
  manager: `${API}/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto`,
  protocol: `${API}/config/core/v3/protocol.proto`,
  grpcService: `${API}/config/core/v3/grpc_service.proto`,
  mutationRules: `${API}/config/common/mutation_rules/v3/mutation_rules.proto`,
  route: `${API}/config/route/v3/route_components.proto`,
  cluster: `${API}/config/cluster/v3/cluster.proto`,
  circuitBreaker: `${API}/config/cluster/v3/circuit_breaker.proto`,
  outlier: `${API}/config/cluster/v3/outlier_detection.proto`,
  healthCheck: `${API}/config/core/v3/health_check.proto`,
  matching: `${API}/extensions/common/matching/v3/extension_matcher.proto`,
  credentialInjector: `${ENVOY}/configuration/http/http_filters/credential_injector_filter`,
  cache: `${ENVOY}/configuration/http/http_filters/cache_filter`,
  headers: `${ENVOY}/configuration/http/http_conn_man/headers`,
  timeouts: `${ENVOY}/faq/configuration/timeouts`,
  edge: `${ENVOY}/configuration/best_practices/edge`,
  damagedHeader: "https://github.com/envoyproxy/envoy/security/advisories/GHSA-9g5w-hqr3-w2ph",
  headerDefault: "https://github.com/envoyproxy/envoy/issues/43310",
};
