// Checks the names of identity headers: none may be another header's, and no two may be one to a back end; and that what
// is to be signed can be, in a name of its own.

import { createPrivateKey } from "node:crypto";
import { IDENTITY } from "../defaults.ts";
import type { Look } from "./look.ts";

/** RFC 9110 §5.1 token, in any case. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

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
  for (const name of look.keys("identity", "headers") ?? Object.keys(IDENTITY.headers)) {
    const fault = faultOf(name, seen);
    if (fault !== undefined) look.wrongKey(["identity", "headers", name], fault.what, fault.allowed);
    seen.set(fold(name), name);
  }
  checkSigned(look, seen);
}

/** `seen`: the names of the other headers, by what they are folded. */
function checkSigned(look: Look, seen: ReadonlyMap<string, string>): void {
  if (!look.has("identity", "signed")) return;
  const fault = faultOf(look.text("identity", "signed", "header") ?? IDENTITY.signed.header, seen);
  if (fault !== undefined) look.wrong(["identity", "signed", "header"], fault.what, fault.allowed);
  const issuer = look.text("identity", "signed", "issuer");
  const isTaken = look.list("issuers").some((_, index) => look.text("issuers", index, "issuer") === issuer);
  if (issuer !== undefined && isTaken) {
    // RFC 8725 §3.8: a key says something in its issuer's name, and that name is another's.
    look.wrongValue(["identity", "signed", "issuer"], "is an issuer whose tokens are accepted", "a name of its own");
  }
}

/** That the file can sign, and by which algorithm. */
export function checkSigningKey(look: Look, path: readonly PropertyKey[], pem: string): void {
  if (!isSigningKey(pem)) {
    look.wrong(path, "the file holds no key that can sign identity", "a PEM private key of Ed25519 or P-256");
  }
}

function isSigningKey(pem: string): boolean {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
    return type === "ed25519" || (type === "ec" && details?.namedCurve === "prime256v1");
  } catch {
    return false; // what OpenSSL has against it might quote it
  }
}

interface NameFault {
  readonly what: string;
  readonly allowed: string;
}

function faultOf(name: string, seen: ReadonlyMap<string, string>): NameFault | undefined {
  if (!HEADER_NAME.test(name)) return { what: "is no header name", allowed: "a header name" };
  const folded = fold(name);
  if (RESERVED.has(folded) || folded.startsWith("x-envoy-")) {
    return { what: "is a header with another meaning", allowed: "a header of its own, such as x-auth-subject" };
  }
  const before = seen.get(folded);
  if (before === undefined) return undefined;
  return before.toLowerCase() === name.toLowerCase()
    ? { what: `is the same header as "${before}"`, allowed: "each header once" }
    : { what: `is read as "${before}" by back ends that take . and _ for -`, allowed: "names that differ otherwise" };
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[._]/g, "-");
}
