// Where a cluster's calls go, as far as its own settings tell, and whether that is where the sidecar listens. It judges
// nothing.

import { listAt, numberAt, textAt } from "./settings.ts";

/** A host and port, or the path of a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** None where a control plane of Envoy tells them: a dump leaves those out. */
export function endpointsOf(cluster: unknown): readonly Endpoint[] {
  return listAt(cluster, "load_assignment", "endpoints")
    .flatMap((locality) => listAt(locality, "lb_endpoints"))
    .flatMap((endpoint): readonly Endpoint[] => {
      const host = textAt(endpoint, "endpoint", "address", "socket_address", "address");
      const port = numberAt(endpoint, "endpoint", "address", "socket_address", "port_value");
      const path = textAt(endpoint, "endpoint", "address", "pipe", "path");
      if (path !== undefined) return [{ path }];
      return host === undefined || port === undefined ? [] : [{ host, port }];
    });
}

/** Nobody outside this machine, or this pod, is there. */
export function isLocal(endpoint: Endpoint): boolean {
  return "path" in endpoint || /^(?:127\.[\d.]+|::1|localhost)$/.test(endpoint.host);
}

/** Whether who listens at `address` is, or may be, reached at `endpoint`: of another machine only the port can be told. */
export function reaches(endpoint: Endpoint, address: Endpoint): boolean {
  if ("path" in endpoint) return "path" in address && endpoint.path === address.path;
  if ("path" in address) return false;
  const isPort = address.port === endpoint.port || address.port === 0; // any free one
  return isPort && (!isLocal(endpoint) || isHostOf(endpoint.host, address));
}

/** Of a host on this machine. */
function isHostOf(host: string, address: { readonly host: string; readonly port: number }): boolean {
  if (address.host === "0.0.0.0" || address.host === "::" || address.host === host) return true;
  return (host === "localhost" || address.host === "localhost") && isLocal(address);
}

export function shown(endpoint: Endpoint): string {
  if ("path" in endpoint) return `unix:${endpoint.path}`;
  return endpoint.host.includes(":") ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}
