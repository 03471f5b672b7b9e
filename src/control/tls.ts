// How the control API speaks TLS: what its listener is made with, and the certificate that it is given, now and later.

import type { Server, SecureContextOptions } from "node:tls";

/** PEM texts. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Who signs callers' certificates; undefined: they need none. */
  readonly clientCa: string | undefined;
}

export interface TlsListener {
  /** Whether callers must have a certificate, beside their token. */
  readonly clientCertificates: boolean;
}

/** RFC 9325 §3.1.1: nothing older is safe. */
const MIN_VERSION = "TLSv1.2";
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Of node:https; it has no certificate yet. */
export function tlsOptions({ clientCertificates }: TlsListener): object {
  return {
    minVersion: MIN_VERSION,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestCert: clientCertificates,
    rejectUnauthorized: clientCertificates,
  };
}

/** For connections from now on. Throws for what is no certificate with its key. */
export function useCertificate(server: Pick<Server, "setSecureContext">, given: Certificate): void {
  const context: SecureContextOptions = { cert: given.certificate, key: given.key, minVersion: MIN_VERSION };
  server.setSecureContext(given.clientCa === undefined ? context : { ...context, ca: given.clientCa });
}
