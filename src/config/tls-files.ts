// Reads the files of the gRPC listener's TLS and looks whether they can be what they are meant to be. It watches nothing
// and never shows what a file holds.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { err, ok, type Result } from "../core/result.ts";
import { readSecretFile } from "./read-file.ts";

/** Absolute paths. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Only clients with a certificate of these are heard; undefined: all are. */
  readonly clientCaFile: string | undefined;
}

/** PEM texts. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

export interface TlsFault {
  readonly file: keyof TlsFiles;
  /** As in "the file …". */
  readonly why: string;
}

export function readTlsMaterial(files: TlsFiles): Result<TlsMaterial, TlsFault> {
  const { certificateFile, keyFile, clientCaFile } = files;
  const certificate = readSecretFile(certificateFile);
  if (!certificate.ok) return err({ file: "certificateFile", why: certificate.error });
  const key = readSecretFile(keyFile);
  if (!key.ok) return err({ file: "keyFile", why: key.error });
  const clientCa = clientCaFile === undefined ? ok(undefined) : readSecretFile(clientCaFile);
  if (!clientCa.ok) return err({ file: "clientCaFile", why: clientCa.error });
  const leaf = certificateIn(certificate.value);
  if (leaf === undefined) return err({ file: "certificateFile", why: "holds no PEM certificate" });
  const privateKey = attempt(() => createPrivateKey(key.value));
  if (privateKey === undefined) return err({ file: "keyFile", why: "holds no PEM private key without a passphrase" });
  if (!leaf.checkPrivateKey(privateKey)) return err({ file: "keyFile", why: "is not the key of the certificate" });
  if (clientCa.value !== undefined && certificateIn(clientCa.value) === undefined) {
    return err({ file: "clientCaFile", why: "holds no PEM certificate" });
  }
  return ok({ certificate: certificate.value, key: key.value, clientCa: clientCa.value });
}

function certificateIn(pem: string): X509Certificate | undefined {
  return attempt(() => new X509Certificate(pem));
}

/** Whatever OpenSSL has against it is not worth telling, and might quote it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
