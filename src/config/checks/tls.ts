// Checks that the gRPC listener can speak TLS with what it is given.

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
  const path = (key: keyof typeof ALLOWED): string | undefined => {
    const text = look.text("listen", "tls", key);
    return text === undefined || text === "" ? undefined : resolve(directory, text);
  };
  const certificateFile = path("certificateFile");
  const keyFile = path("keyFile");
  if (certificateFile === undefined || keyFile === undefined) return; // the schema has told
  const material = readTlsMaterial({ certificateFile, keyFile, clientCaFile: path("clientCaFile") });
  if (material.ok) return;
  const { file, why } = material.error;
  look.wrongValue(["listen", "tls", file], `the file ${why}`, ALLOWED[file]);
}
