// Exits 0 when node_modules holds what package-lock.json asks for, by npm's own record of its last install.
// Plain JavaScript: it runs on whatever Node the machine came with.
import { readFileSync } from "node:fs";

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return {};
  }
}

const wanted = Object.entries(packagesOf("package-lock.json")).filter(([path]) => path !== "");
const installed = packagesOf("node_modules/.package-lock.json");
const missing = wanted.filter(([path, entry]) => !entry.optional && installed[path]?.version !== entry.version);
const outdated = wanted.filter(([path, entry]) => path in installed && installed[path].version !== entry.version);

process.exit(wanted.length > 0 && missing.length === 0 && outdated.length === 0 ? 0 : 1);
