// The schema of a listener's TLS: its files. Whether they can be used is checked in checks/tls.ts.

import { z } from "zod";
import { FILE_PATH, text } from "./fields.ts";

export interface WrittenTls {
  certificateFile: string;
  keyFile: string;
  clientCaFile?: string | undefined;
}

/** `listen.tls`, `control.tls`. */
export const TLS_BLOCK: z.ZodType<WrittenTls> = z.strictObject({
  certificateFile: text(4_096, FILE_PATH).describe("PEM: the server's certificate and the chain behind it."),
  keyFile: text(4_096, FILE_PATH).describe("PEM: its private key, without a passphrase."),
  clientCaFile: text(4_096, FILE_PATH)
    .optional()
    .describe("PEM: the authorities whose clients may call; left out: any client."),
});
