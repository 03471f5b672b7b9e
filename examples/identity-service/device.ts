// Which device a call comes from, as coarsely as is of use: the browser's family and system without versions, the network
// without the host. An update or a new lease is no other device; another browser or another provider's network is.

export interface DeviceContext {
  /** "Firefox on Linux" */
  readonly device: string;
  /** "203.0.113.0/24", "2001:db8:1::/48", "this machine" */
  readonly network: string;
}

/** What differs between two contexts. */
export type Difference = "device" | "network" | "both";

/** The first that matches names it; those that pose as others come first. */
const BROWSERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b|\biPad\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

const LONGEST_NAME = 40;

/** Of a `User-Agent` (which may be empty) and an address, IPv4 or IPv6. */
export function deviceContext(userAgent: string, address: string): DeviceContext {
  const browser = nameIn(BROWSERS, userAgent) ?? (/^[\w.-]+/.exec(userAgent)?.[0] ?? "unknown").slice(0, LONGEST_NAME);
  const system = nameIn(SYSTEMS, userAgent);
  return { device: system === undefined ? browser : `${browser} on ${system}`, network: networkOf(address) };
}

/** Undefined: the same, as far as one can tell. */
export function differenceOf(one: DeviceContext, other: DeviceContext): Difference | undefined {
  const device = one.device !== other.device;
  const network = one.network !== other.network;
  if (device && network) return "both";
  if (device) return "device";
  return network ? "network" : undefined;
}

function nameIn(table: typeof BROWSERS, userAgent: string): string | undefined {
  return table.find(([pattern]) => pattern.test(userAgent))?.[1];
}

function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (plain === "::1" || plain.startsWith("127.")) return "this machine";
  const octets = plain.split(".");
  if (octets.length === 4) return `${octets.slice(0, 3).join(".")}.0/24`;
  if (!plain.includes(":")) return "unknown";
  return `${ipv6Groups(plain).slice(0, 3).join(":")}::/48`;
}

function ipv6Groups(address: string): readonly string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: Math.max(0, zeros) }, () => "0"), ...after].map((group) =>
    group.replace(/^0+(?=.)/, ""),
  );
}
