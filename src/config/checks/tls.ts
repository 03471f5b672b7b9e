// Checks that the listeners can speak TLS with what they are given.

import { resolve } from "node:path";
import { readTlsMaterial } from "../tls-files.ts";
import type { Look } from "./look.ts";

const ALLOWED = {
  certificateFile: "a PEM file of the server's certificate, the chain behind it",
  keyFile: "a PEM file of the certificate's private key",
  clientCaFile: "a PEM file of the authorities whose clients may call",
} as const;

/** `directory`: where relative paths begin. */
export function checkTls(look: Look, directory: string): void {
  const grpc = faultOf(look, directory, "listen");
  if (grpc !== undefined) look.wrongValue(grpc.path, `the file ${grpc.why}`, grpc.allowed);
  // A sidecar reads the same file, where the control plane's need not be: who needs them will not start.
  const control = faultOf(look, directory, "control");
  if (control !== undefined) look.warn(control.path, `the file ${control.why}`, control.allowed);
}

interface TlsFileFault {
  readonly path: readonly string[];
  readonly why: string;
  readonly allowed: string;
}

function faultOf(look: Look, directory: string, block: "listen" | "control"): TlsFileFault | undefined {
  const path = (key: keyof typeof ALLOWED): string | undefined => {
    const text = look.text(block, "tls", key);
    return text === undefined || text === "" ? undefined : resolve(directory, text);
  };
  const certificateFile = path("certificateFile");
  const keyFile = path("keyFile");
  if (certificateFile === undefined || keyFile === undefined) return undefined; // the schema has told
  const material = readTlsMaterial({ certificateFile, keyFile, clientCaFile: path("clientCaFile") });
  if (material.ok) return undefined;
  const { file, why } = material.error;
  return { path: [block, "tls", file], why, allowed: ALLOWED[file] };
}
