// Keeps the certificates of a listener as they are in their files: read at the start and again whenever one of
// them changes. Files that do not fit each other are refused, and what was there goes on serving.

import { unwatchFile, watchFile } from "node:fs";
import type { Config } from "../config/config.ts";
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from "../config/tls-files.ts";
import type { Log } from "../core/log.ts";

/** Polled by name, for a mounted Secret changes by a symbolic link that no watch on the file would see. */
const LOOK_EVERY_MS = 1_000;

/** Undefined: the gRPC listener speaks no TLS. Throws where the files have become unreadable since the configuration was. */
export function readTls({ listen }: Config): TlsMaterial | undefined {
  return listen.tls === undefined ? undefined : readTlsOf("listen.tls", listen.tls);
}

/** Throws, in words for people, where the files of the block `name` cannot be used. */
export function readTlsOf(name: string, files: TlsFiles): TlsMaterial {
  const material = readTlsMaterial(files);
  if (material.ok) return material.value;
  throw new Error(`${name}.${material.error.file}: the file ${material.error.why}`);
}

/** Begins to watch; the function returned ends it. */
export function watchTls(
  files: TlsFiles,
  log: Pick<Log, "info" | "warn">,
  renew: (material: TlsMaterial) => void,
): () => void {
  const { certificateFile, keyFile, clientCaFile } = files;
  const paths = [certificateFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])];
  const look = (): void => {
    const material = readTlsMaterial(files);
    if (material.ok) {
      renew(material.value);
      log.info("tls_renewed");
    } else log.warn("tls_refused", { file: files[material.error.file], why: material.error.why });
  };
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => {
    for (const path of paths) unwatchFile(path, look);
  };
}
