// `portcullis explain`: which rule, tier, checks and verdict a request would get, step by step, with the keys and the
// store as `serve` would read them. It never prints the token.

import { explanationOf, requestOf, type Explanation } from "./explanation.ts";
import { openExplained } from "./explained.ts";
import type { AuthzRequest } from "../ext-authz/authz-request.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";
import { readConfig } from "./read-config.ts";

export interface ExplainOptions {
  readonly config: string;
  readonly method: string;
  readonly path: string;
  /** `name:value` each. */
  readonly header?: readonly string[];
  readonly tokenStdin?: boolean;
  readonly json?: boolean;
}

/** A person waits, so that keys and store get time to answer once. */
const PATIENCE_MS = 5_000;

export async function explain(options: ExplainOptions, io: CommandIo): Promise<number> {
  const request = await askedOf(options, io);
  if (request === undefined) return EXIT.usage;
  const config = readConfig(options.config, io);
  if (config === undefined) return EXIT.usage;
  const explained = await openExplained(config, PATIENCE_MS);
  try {
    const explanation = await explanationOf(request, explained, PATIENCE_MS);
    io.out(options.json === true ? jsonOf(explanation) : textOf(explanation));
    return EXIT.done;
  } finally {
    await explained.stop();
  }
}

async function askedOf(options: ExplainOptions, io: CommandIo): Promise<AuthzRequest | undefined> {
  const headers: (readonly [string, string])[] = [];
  for (const header of options.header ?? []) {
    const colon = header.indexOf(":");
    if (colon < 1) {
      io.err("portcullis: --header takes name:value, as in --header 'host: api.example.com'\n");
      return undefined;
    }
    headers.push([header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()]);
  }
  if (options.tokenStdin === true) {
    const token = await io.readStdin();
    if (!token.ok) {
      io.err(`portcullis: ${token.error}\n`);
      return undefined;
    }
    headers.push(["authorization", `Bearer ${token.value.trim()}`]);
  }
  return requestOf(options.method, options.path, headers);
}

function jsonOf(explanation: Explanation): string {
  return `${JSON.stringify(explanation)}\n`;
}

function textOf({ steps, verdict }: Explanation): string {
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.map(({ step, result }) => `${step.padEnd(width)}  ${printable(result)}`);
  const { decision, reason, assurance, http_status: status } = verdict;
  const why = decision === "allow" ? assurance : `${reason} (HTTP ${status})`;
  return `${lines.join("\n")}\n${"verdict".padEnd(width)}  ${decision}: ${why}\n`;
}
