// Resolves names to addresses of the public internet only, so that no URL in a token has us call what is inside.

import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** IANA's special-purpose registries (RFC 6890), of what no list of statuses is published at. */
const INSIDE_IPV4 = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  INSIDE_IPV4.addSubnet(network, bits, "ipv4");
/** Apart, for a list takes an IPv4 address for its mapped one (::ffff:0:0/96) too. Of IPv6 all that is not global unicast (2000::/3), and of that what wraps an IPv4 address or is set aside. */
const INSIDE_IPV6 = new BlockList();
for (const [network, bits] of [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  INSIDE_IPV6.addSubnet(network, bits, "ipv6");

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !INSIDE_IPV4.check(address, "ipv4");
    case 6:
      return !INSIDE_IPV6.check(address, "ipv6");
    default:
      return false;
  }
}

/** As dns.lookup, and an error where any address of the name is none of the public internet. */
export const lookUpPublic: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (failure, addresses) => {
    if (failure !== null) return done(failure, "", 0);
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      return done(Object.assign(new Error("an address inside"), { code: "EPRIVATE" }), "", 0);
    }
    if (options.all === true) return done(null, addresses);
    done(null, first.address, first.family);
  });
};
