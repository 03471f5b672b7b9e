// Checks the names of identity headers: none may be another header's, and no two may be one to a back end.

import type { Look } from "./look.ts";

/** RFC 9110 §5.1 token, lower case as HTTP/2 has it (RFC 9113 §8.2). */
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** Headers that steer the connection, the request or the guard itself, folded. */
const RESERVED: ReadonlySet<string> = new Set([
  "authorization",
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "expect",
  "cookie",
  "content-type",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-request-id",
  "traceparent",
  "tracestate",
  "x-auth-assurance",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
]);

export function checkIdentity(look: Look): void {
  const seen = new Map<string, string>();
  for (const name of look.keys("identity", "headers") ?? []) {
    const path = ["identity", "headers", name];
    const folded = fold(name);
    const before = seen.get(folded);
    if (!HEADER_NAME.test(name)) look.wrongKey(path, "is no header name", "a header name in lower case");
    else if (RESERVED.has(folded) || folded.startsWith("x-envoy-")) {
      look.wrongKey(path, "is a header with another meaning", "a header of its own, such as x-auth-subject");
    } else if (before !== undefined) {
      look.wrongKey(path, `is read as "${before}" by back ends that take . and _ for -`, "names that differ otherwise");
    }
    seen.set(folded, name);
  }
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[._]/g, "-");
}
