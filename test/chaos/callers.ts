// Calls through Envoy, on several lanes, and what Envoy's log says of each: the recorder of allows.

import { Agent, request } from "node:http";
import type { EnvoyProcess } from "../support/envoy.ts";
import type { Random } from "../support/random.ts";
import { until } from "../support/wait.ts";
import { TIERS } from "./fleet.ts";
import type { Call } from "./history.ts";
import type { RunToken, TokenPool } from "./tokens.ts";

export interface Callers {
  /** Calls on `laneCount` lanes until told to stop; each lane draws from a seed of its own. */
  begin(laneCount: number, random: Random): void;
  stop(): Promise<void>;
  /** One call, recorded like the others; its status, 0: none. */
  call(token: RunToken, tier: string): Promise<number>;
  /** Every call made, each with its decision, once Envoy has written them all. */
  recorded(): Promise<readonly Call[]>;
}

interface Sent {
  readonly token: RunToken;
  readonly tier: string;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly status: number;
}

const PATIENCE_MS = 2_000;
const PAUSE_MS = 25;
const TIER_NAMES = Object.keys(TIERS);

export function createCallers(run: string, envoy: EnvoyProcess, pool: TokenPool): Callers {
  const agent = new Agent({ keepAlive: true });
  const logBegan = envoy.process.output().length;
  const sent = new Map<string, Sent>();
  const lanes: Promise<void>[] = [];
  const stopping = new AbortController();
  let count = 0;

  async function call(token: RunToken, tier: string): Promise<number> {
    const path = `/${tier}/${run}-${(count += 1)}`;
    const beganAtMs = performance.now();
    const status = await get(agent, envoy.port, path, token.text);
    sent.set(path, { token, tier, beganAtMs, endedAtMs: performance.now(), status });
    return status;
  }

  async function lane(random: Random): Promise<void> {
    while (!stopping.signal.aborted) {
      await call(pool.pick(random), random.pick(TIER_NAMES));
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 2 * PAUSE_MS)));
    }
  }

  return {
    begin(laneCount, random) {
      for (let i = 0; i < laneCount; i += 1) lanes.push(lane(random));
    },
    async stop() {
      stopping.abort();
      await Promise.all(lanes.splice(0));
    },
    call,
    async recorded() {
      const decided = await until("Envoy's log of every call", () => {
        const lines = readLog(envoy.process.output().slice(logBegan));
        return [...sent].every(([path, { status }]) => status === 0 || lines.has(path)) ? lines : undefined;
      });
      agent.destroy();
      return [...sent].map(([path, one]) => {
        const { decision, assurance = "", reason = "", rule = "" } = decided.get(path) ?? {};
        return {
          token: one.token.facts,
          tier: one.tier,
          beganAtMs: one.beganAtMs,
          endedAtMs: one.endedAtMs,
          // A call that reached the upstream was allowed, whoever forgot to say so.
          decision: one.status === 200 ? "allow" : (decision ?? "none"),
          assurance,
          reason,
          decidedBy: rule.split(".")[1] ?? "",
        };
      });
    },
  };
}

interface LogLine {
  readonly path?: string;
  readonly decision?: "allow" | "deny";
  readonly assurance?: string;
  readonly reason?: string;
  readonly rule?: string;
}

function readLog(output: string): ReadonlyMap<string, LogLine> {
  const lines = new Map<string, LogLine>();
  for (const line of output.slice(0, output.lastIndexOf("\n") + 1).split("\n")) {
    if (!line.startsWith("{")) continue;
    const read = JSON.parse(line) as LogLine;
    if (read.path !== undefined) lines.set(read.path, read);
  }
  return lines;
}

/** The status of one call through Envoy; 0 where none came. */
export function get(agent: Agent, port: number, path: string, token: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const outgoing = request({ host: "127.0.0.1", port, path, agent, headers, timeout: PATIENCE_MS });
    outgoing.once("timeout", () => outgoing.destroy());
    outgoing.once("error", () => resolve(0));
    outgoing.once("response", (incoming) => {
      incoming.resume();
      incoming.once("end", () => resolve(incoming.statusCode ?? 0));
      incoming.once("error", () => resolve(0));
    });
    outgoing.end();
  });
}
