// Decides the form of a host that rules are matched on. Never resolves a name, never trusts a forwarded host.

/** Lower-cased, port and one trailing dot cut; an IPv6 literal keeps its brackets. `host` as in `:authority`. */
export function canonicalHost(host: string): string {
  const withoutPort = host.slice(0, portAt(host));
  const name = withoutPort.endsWith(".") ? withoutPort.slice(0, -1) : withoutPort;
  return name.toLowerCase();
}

/** Where the port begins, its colon included; the length where there is none. */
function portAt(host: string): number {
  let at = host.length;
  while (at > 0 && isDigit(host.charCodeAt(at - 1))) at--;
  if (at === 0 || host.charCodeAt(at - 1) !== 0x3a) return host.length;
  // `::1` without brackets is no authority (RFC 3986 §3.2.2): its last colon separates no port.
  const isBareIpv6 = host.charCodeAt(0) !== 0x5b && host.indexOf(":") !== at - 1;
  return isBareIpv6 ? host.length : at - 1;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
