// Peace, for long: calls at a share of what was measured to be the most, while revocations, key rotations and reloads go
// on. Counts failed calls, and looks whether memory and latency creep.

import { appendFileSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { createHistogram } from "node:perf_hooks";
import { createRandom } from "../support/random.ts";
import { get } from "./callers.ts";
import type { Fleet } from "./fleet.ts";
import { createRevoker } from "./revoker.ts";
import type { Setting } from "./setting.ts";
import { createTokenPool, type RunToken } from "./tokens.ts";

export interface SoakOptions {
  readonly lastingMs: number;
  /** Of the measured maximum. */
  readonly share: number;
  /** Hears once a minute how it goes. */
  readonly tell: (line: string) => void;
}

export interface SoakReport {
  readonly mostPerS: number;
  readonly callCount: number;
  readonly revocationCount: number;
  /** By status, of calls that should have been let in. */
  readonly failed: Readonly<Record<string, number>>;
  /** What Envoy's log says of them, as far as its lines were whole when they were read. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Of the second and of the last third of the time. */
  readonly p99Ms: readonly [middle: number, last: number];
  /** Of both sidecars together, likewise. */
  readonly residentMiB: readonly [middle: number, last: number];
}

const MEASURED_FOR_MS = 5_000;
const LANES_AT_MOST = 32;
const TICK_MS = 10;
const SAMPLE_EVERY_MS = 2_000;
const RELOAD_EVERY_MS = 10_000;
/** Below the life of a token. */
const RENEW_EVERY_MS = 60_000;
const TELL_EVERY_MS = 60_000;
const GOOD_TOKENS = 200;
/** The revoker's calls, which are refused, have another. */
const SOAK_PATH = "/soak";
const TIER_NAMES = ["standard", "low"] as const;

interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export async function soak({ world, fleet }: Setting, { lastingMs, share, tell }: SoakOptions): Promise<SoakReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES_AT_MOST });
  const random = createRandom(1);
  // These are nobody's to revoke; the revoker has its own.
  let good = createTokenPool("soak-0", fleet.issuer).mintTaken(GOOD_TOKENS);
  const revoker = createRevoker(fleet, world, createTokenPool("soak-revoked", fleet.issuer));
  // In µs. Counted, for a driver that remembers every call is slowed down by them.
  const latencies = [createHistogram(), createHistogram(), createHistogram()];
  let callCount = 0;
  let beganAtMs = Infinity;
  const thirdOf = (atMs: number): number => Math.floor(((atMs - beganAtMs) / lastingMs) * 3);
  const memory: Sample[] = [];
  const failed: Record<string, number> = {};
  const reasons: Record<string, number> = {};

  /** There is a line for each call: what was read is forgotten. */
  function readLog(): void {
    for (const line of fleet.envoy.process.output().split("\n")) {
      const why = whyRefused(line);
      if (why !== undefined) tally(reasons, why);
    }
    fleet.envoy.process.forgetOutput();
  }

  async function call(): Promise<void> {
    const token: RunToken = random.pick(good);
    const atMs = performance.now();
    const status = await get(agent, fleet.envoy.port, `/${random.pick(TIER_NAMES)}${SOAK_PATH}`, token.text);
    callCount += 1;
    latencies[thirdOf(atMs)]?.record(Math.max(1, Math.round((performance.now() - atMs) * 1_000)));
    if (status !== 200) tally(failed, String(status));
  }

  const mostPerS = await measureMost(call);
  tell(`${mostPerS.toFixed(0)} calls/s at most, measured; ${(mostPerS * share).toFixed(0)}/s from here on`);
  callCount = 0;
  beganAtMs = performance.now();
  revoker.begin(createRandom(2));
  let round = 0;
  const chores = [
    setInterval(readLog, SAMPLE_EVERY_MS),
    setInterval(() => {
      const minutes = ((performance.now() - beganAtMs) / 60_000).toFixed(0);
      const { value = 0 } = memory.at(-1) ?? {};
      tell(
        `${minutes} min: ${callCount} calls, failed ${JSON.stringify({ ...failed, ...reasons })}, ${value.toFixed(0)} MiB`,
      );
    }, TELL_EVERY_MS),
    setInterval(() => memory.push({ atMs: performance.now(), value: residentMiB(fleet) }), SAMPLE_EVERY_MS),
    // A line more is another file: everything in it is read and compiled anew.
    setInterval(() => fleet.sidecars.forEach((one) => appendFileSync(one.current().configFile, "\n")), RELOAD_EVERY_MS),
    setInterval(() => {
      fleet.issuer.rotate();
      good = createTokenPool(`soak-${(round += 1)}`, fleet.issuer).mintTaken(GOOD_TOKENS);
    }, RENEW_EVERY_MS),
  ];
  await pace(call, mostPerS * share, lastingMs);
  for (const chore of chores) clearInterval(chore);
  await revoker.stop();
  agent.destroy();
  const p99Ms = (which: number): number => (latencies[which]?.percentile(99) ?? 0) / 1_000;
  const medianMiB = (which: number): number => {
    const values = memory.filter(({ atMs }) => thirdOf(atMs) === which).map(({ value }) => value);
    return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  };
  return {
    mostPerS,
    callCount,
    revocationCount: revoker.revocations.length,
    failed,
    reasons,
    p99Ms: [p99Ms(1), p99Ms(2)],
    residentMiB: [medianMiB(1), medianMiB(2)],
  };
}

/** Of a call that should have been let in, by a line of Envoy's log: our reason, or Envoy's own. */
function whyRefused(line: string): string | undefined {
  const isWhole = line.endsWith("}");
  if (!isWhole || !line.includes(`${SOAK_PATH}"`) || line.includes('"status":200')) return undefined;
  return (/"reason":"([^"]+)"/.exec(line) ?? /"details":"([^"]+)"/.exec(line))?.[1];
}

function tally(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** Calls a second, of as many lanes as there are sockets. */
async function measureMost(call: () => Promise<void>): Promise<number> {
  const tillMs = performance.now() + MEASURED_FOR_MS;
  let count = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < tillMs) {
      await call();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: LANES_AT_MOST }, lane));
  return (count / MEASURED_FOR_MS) * 1_000;
}

/** Calls are made when they are due, whether others were answered or not. */
async function pace(call: () => Promise<void>, perS: number, lastingMs: number): Promise<void> {
  const beganAtMs = performance.now();
  const calls = new Set<Promise<void>>();
  let made = 0;
  for (;;) {
    const sinceMs = performance.now() - beganAtMs;
    if (sinceMs >= lastingMs) break;
    for (; made < (sinceMs / 1_000) * perS; made += 1) {
      const one = call().finally(() => calls.delete(one));
      calls.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(calls);
}

function residentMiB({ sidecars }: Fleet): number {
  const ofOne = (pid: number): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
  return sidecars.reduce((sum, one) => sum + ofOne(one.current().process.pid), 0);
}
