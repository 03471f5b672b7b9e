// The thumbprint of a client certificate as Envoy tells of it (RFC 8705 §3.1). It judges no certificate: that the client holds
// its key is the TLS handshake's word, and whether a CA vouches for it is Envoy's.

import { hash, X509Certificate } from "node:crypto";

/** A chain of certificates is some kilobytes; what is longer is none. */
const MAX_CHARS = 65_536;

/** base64url SHA-256 of the DER of the first certificate in `urlEncodedPem`; undefined: there is none to be read. */
export function certificateThumbprint(urlEncodedPem: string): string | undefined {
  if (urlEncodedPem.length > MAX_CHARS) return undefined;
  try {
    const { raw } = new X509Certificate(decodeURIComponent(urlEncodedPem));
    return hash("sha256", raw, "base64url");
  } catch {
    return undefined; // the library's only word for text that is no certificate
  }
}
