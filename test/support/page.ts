// The settings that a page of docs/ shows, so that a test runs what a reader would copy.

import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** The YAML block of `page` whose first line is `# mark`. */
export function blockOf(page: string, mark: string): Record<string, unknown> {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
  const found = blocks.filter((code) => code.startsWith(`# ${mark}\n`));
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks "# ${mark}"`);
  return parse(found[0] ?? "") as Record<string, unknown>;
}
