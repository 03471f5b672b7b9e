// Reads addresses and URLs as the configuration writes them. It resolves no name and opens nothing.

import type { Address, TcpAddress } from "./config.ts";

/** A DNS name or an IPv4 address, or an IPv6 address in brackets; then the port. */
const HOST_PORT =
  /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)):(0|[1-9][0-9]{0,4})$/;

/** sun_path of Linux holds 108 bytes, the closing NUL included (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** `host:port`, `[ipv6]:port` or `unix:/path`; undefined if it is none of these. */
export function readAddress(text: string): Address | undefined {
  return text.startsWith("unix:") ? readSocket(text.slice("unix:".length)) : readTcp(text);
}

function readSocket(text: string): Address | undefined {
  const path = text.replace(/^\/\/(?=\/)/, "");
  const fits = path !== "" && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES && !path.includes("\0");
  return fits ? { kind: "unix", path } : undefined;
}

function readTcp(text: string): Address | undefined {
  const [, ipv6, name, port] = HOST_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || Number(port) > 65_535) return undefined;
  // Also refuses a name that ends like an IPv4 address and is none, as every URL does that is made of it.
  if (!URL.canParse(`http://${ipv6 === undefined ? host : `[${ipv6}]`}/`)) return undefined;
  return { kind: "tcp", host, port: Number(port) };
}

/** Writes an address as `readAddress` reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** An http or https URL without user, password and fragment; undefined if it is anything else. */
export function readHttpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && /^https?:\/\/[^\s\\]+$/i.test(text) && url.username === "" && url.password === "";
  return plain && url.hash === "" && !text.includes("#") ? url : undefined;
}

/** Where a program on this machine reaches a listener of HTTP: the wildcard addresses are none to call. */
export function localUrl({ host, port }: TcpAddress, isTls: boolean): string {
  const callable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  return `${isTls ? "https" : "http"}://${callable}:${port}`;
}
