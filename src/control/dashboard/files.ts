// The files of the dashboard's page, read once into memory: nothing that a request names is ever looked for on the disk.

import { globSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

export interface PageFile {
  readonly body: Buffer;
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** By their paths as a browser asks for them, `/` the page itself; none where it has not been built. */
export function readPageFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const name of globSync("**/*", { cwd: folder })) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const path = name === "index.html" ? "/" : `/${name.replaceAll("\\", "/")}`;
    files.set(path, { body: readFileSync(join(folder, name)), type });
  }
  return files;
}
