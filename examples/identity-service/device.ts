// Which device a call comes from, as coarsely as is of use: the browser's family and system without versions, the network
// without the host, and the country where it is told. An update or a new lease is no other device; another browser or another provider's network is.

export interface DeviceContext {
  /** "Firefox on Linux" */
  readonly device: string;
  /** "203.0.113.0/24", "2001:db8:1::/48", "this machine" */
  readonly network: string;
  /** ISO 3166-1, two letters, where somebody who knows told it. */
  readonly country?: string;
}

/** What differs between two contexts. Another country is another network, too, and the graver word for it. */
type Place = "network" | "country";
export type Difference = "device" | Place | `device+${Place}`;

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

/** Of a `User-Agent` (which may be empty), an address, IPv4 or IPv6, and a country's code (empty: nobody tells). */
export function deviceContext(userAgent: string, address: string, country = ""): DeviceContext {
  const browser = nameIn(BROWSERS, userAgent) ?? (/^[\w.-]+/.exec(userAgent)?.[0] ?? "unknown").slice(0, LONGEST_NAME);
  const system = nameIn(SYSTEMS, userAgent);
  const device = system === undefined ? browser : `${browser} on ${system}`;
  const known = isCountry(country) ? { country: country.toUpperCase() } : {};
  return { device, network: networkOf(address), ...known };
}

/** Undefined: the same, as far as one can tell. */
export function differenceOf(one: DeviceContext, other: DeviceContext): Difference | undefined {
  const place = placeDifferenceOf(one, other);
  if (one.device === other.device) return place;
  return place === undefined ? "device" : `device+${place}`;
}

function placeDifferenceOf(one: DeviceContext, other: DeviceContext): Place | undefined {
  const areKnown = one.country !== undefined && other.country !== undefined;
  if (areKnown && one.country !== other.country) return "country";
  return one.network === other.network ? undefined : "network";
}

/** Proxies write XX for what they do not know, and T1 for Tor. */
function isCountry(text: string): boolean {
  return /^[a-z]{2}$/i.test(text) && text.toUpperCase() !== "XX";
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
