// Makes a server listen on a TCP address or a unix socket. A socket file left by a dead process is replaced, one of a
// living process never.

import { lstat, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";

/** Port 0 takes a free one. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Resolves with the URL listened on, `unix:<path>` for a socket; rejects with the system's error. */
export async function listenOn(server: Server, address: ListenAddress): Promise<string> {
  if ("path" in address && (await isDeadSocket(address.path))) await rm(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") return `unix:${bound ?? ""}`;
  return `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

/** Nobody answers there although the file exists: its process died without taking it away. */
async function isDeadSocket(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined);
  // A plain file refuses connections too, and is not ours to remove.
  if (file?.isSocket() !== true) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
