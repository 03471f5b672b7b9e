// Decides the one form of a host that rules are matched on, and which hosts have none. Never resolves a name, never
// trusts a forwarded host.

import { isIPv4, isIPv6 } from "node:net";

/**
 * An IPv6 literal, or a name of non-empty labels and perhaps a trailing dot; then at most one port, perhaps empty (RFC
 * 3986 §3.2). No user, no escape, no byte above ASCII: what one upstream refuses, another reads as some other name.
 */
const AUTHORITY = /^(?:(\[[0-9a-f:.]+\])|([\w-]+(?:\.[\w-]+)*)\.?)(?::\d*)?$/i;

/** Who reads `127.1` or `0x7f.0.0.1` at all reads an address in it (URL Standard, "ends in a number"). */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/**
 * Lower-cased, port and one trailing dot cut; an IPv6 literal in its shortest form, in brackets. No host at all is "".
 * Undefined: it could mean one host to us and another to the upstream. `host` as in `:authority`, a character a byte.
 */
export function canonicalHost(host: string): string | undefined {
  if (host === "") return "";
  const [, literal, name] = AUTHORITY.exec(host) ?? [];
  if (literal !== undefined) return isIPv6(literal.slice(1, -1)) ? new URL(`http://${literal}`).hostname : undefined;
  const canonical = name?.toLowerCase();
  if (canonical === undefined || !ENDS_IN_NUMBER.test(canonical)) return canonical;
  return isIPv4(canonical) ? canonical : undefined;
}
