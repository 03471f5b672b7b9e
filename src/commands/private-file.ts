// Writes a file that its owner alone may read, whole or not at all.

import { renameSync, rmSync, writeFileSync } from "node:fs";

const OWNER_ONLY = 0o600;

export function writePrivateFile(path: string, text: string): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: OWNER_ONLY, flag: "wx" });
  renameSync(draft, path);
}
