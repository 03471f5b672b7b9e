// Decides whether a unix socket's path may be bound: a file that a dead process left is removed, nothing else is.

import { lstat, unlink } from "node:fs/promises";
import { createConnection } from "node:net";

/** How long a listener may take to accept before its file counts as in use. */
const PROBE_TIMEOUT_MS = 500;

/** Frees `path` for binding. Rejects where somebody listens there, or where the file is not a socket. */
export async function claimSocketPath(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket`);
  if (await isListening(path)) throw new Error(`another process listens on ${path}`);
  await unlink(path);
}

/** Only a refused connection proves that nobody listens; whatever else happens counts as in use. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection(path);
    const settle = (listening: boolean): void => {
      probe.destroy();
      resolve(listening);
    };
    probe.setTimeout(PROBE_TIMEOUT_MS, () => settle(true));
    probe.once("connect", () => settle(true));
    probe.once("error", (error: NodeJS.ErrnoException) => settle(error.code !== "ECONNREFUSED"));
  });
}
