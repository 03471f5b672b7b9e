// Decides whether the `htu` of a DPoP proof (RFC 9449 §4.3) names the very request that Envoy asks about. It knows no proof, and
// believes no forwarded header.

import { canonicalHost } from "../policy/host.ts";
import { canonicalPath } from "../policy/path.ts";

export interface RequestTarget {
  /** `https` where clients reach Envoy through what ends TLS before it; else as Envoy took the request. */
  readonly scheme: string;
  /** As in `:authority`. */
  readonly host: string;
  /** That the connection came in on: Envoy cuts it off a host that names it (strip_matching_host_port). */
  readonly port: number | undefined;
  /** Canonical; undefined: it has no one meaning, and nothing names it. */
  readonly path: string | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };

/** Visible ASCII but the backslash, which a lenient reader takes for a slash. */
const URI_CHARACTERS = /^[\x21-\x5b\x5d-\x7e]{1,8192}$/;

/** Query and fragment are ignored; scheme, host, port and path must be the same by what URLs mean (RFC 3986 §6.2). */
export function isTargetOf(htu: string, target: RequestTarget): boolean {
  const url = readUri(htu);
  if (url === undefined || url.protocol !== `${target.scheme.toLowerCase()}:`) return false;
  const host = canonicalHost(target.host);
  if (host === undefined || canonicalHost(url.hostname) !== host) return false;
  const path = canonicalPath(url.pathname);
  return path.ok && path.value === target.path && isSamePort(url, target);
}

function readUri(htu: string): URL | undefined {
  const url = URI_CHARACTERS.test(htu) ? URL.parse(htu) : null;
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  return url.hostname === "" || DEFAULT_PORTS[url.protocol] === undefined ? undefined : url;
}

function isSamePort(url: URL, { host, port: ofConnection }: RequestTarget): boolean {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  const port = url.port === "" ? defaultPort : Number(url.port);
  const written = /:(\d+)$/.exec(host)?.[1];
  return written === undefined ? port === defaultPort || port === ofConnection : port === Number(written);
}
