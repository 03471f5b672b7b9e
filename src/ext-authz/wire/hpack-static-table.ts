// The static table of HPACK (RFC 7541 Appendix A): what indices 1 to 61 stand for. It knows no encoding.

/** In the order of their indices, the first of which is 1: `name: value`, or a name alone where the value is empty. */
const ENTRIES = [
  ":authority",
  ":method: GET",
  ":method: POST",
  ":path: /",
  ":path: /index.html",
  ":scheme: http",
  ":scheme: https",
  ":status: 200",
  ":status: 204",
  ":status: 206",
  ":status: 304",
  ":status: 400",
  ":status: 404",
  ":status: 500",
  "accept-charset",
  "accept-encoding: gzip, deflate",
  "accept-language",
  "accept-ranges",
  "accept",
  "access-control-allow-origin",
  "age",
  "allow",
  "authorization",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "etag",
  "expect",
  "expires",
  "from",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "link",
  "location",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "referer",
  "refresh",
  "retry-after",
  "server",
  "set-cookie",
  "strict-transport-security",
  "transfer-encoding",
  "user-agent",
  "vary",
  "via",
  "www-authenticate",
] as const;

export interface StaticEntry {
  readonly name: string;
  readonly value: string;
}

/** Index 1 is at position 0. */
export const STATIC_TABLE: readonly StaticEntry[] = ENTRIES.map((entry) => {
  const [name = "", value = ""] = entry.split(": ");
  return { name, value };
});
