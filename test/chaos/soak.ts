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
  /** Of the second and of the last third of the time: the median of what each of its spans had. */
  readonly p99Ms: readonly [middle: number, last: number];
  /** Of both sidecars together, likewise, of its samples. */
  readonly residentMiB: readonly [middle: number, last: number];
}

/** The most is what each of these spans kept up: the speed of a shared machine changes, and one good span is not the rule. */
const MEASURED_SPANS = 6;
const MEASURED_FOR_MS = 5_000;
/** Latencies are judged by spans of it, so that one stall of the machine is one span's and not a third's. */
const SPANS_A_THIRD = 10;
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
  // In µs, of each span. Counted, for a driver that remembers every call is slowed down by them.
  const latencies = Array.from({ length: 3 * SPANS_A_THIRD }, () => createHistogram());
  let callCount = 0;
  let beganAtMs = Infinity;
  const partOf = (atMs: number, parts: number): number => Math.floor(((atMs - beganAtMs) / lastingMs) * parts);
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
    latencies[partOf(atMs, latencies.length)]?.record(Math.max(1, Math.round((performance.now() - atMs) * 1_000)));
    if (status !== 200) tally(failed, String(status));
  }

  const p99Ms = (span: number): number => (latencies[span]?.percentile(99) ?? 0) / 1_000;

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
      const lately = p99Ms(Math.max(0, partOf(performance.now(), latencies.length) - 1));
      tell(
        `${minutes} min: ${callCount} calls, failed ${JSON.stringify({ ...failed, ...reasons })}, ${value.toFixed(0)} MiB, p99 ${lately.toFixed(0)} ms`,
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
  const medianP99Ms = (third: number): number =>
    medianOf(latencies.map((_, span) => p99Ms(span)).slice(third * SPANS_A_THIRD, (third + 1) * SPANS_A_THIRD));
  const medianMiB = (third: number): number =>
    medianOf(memory.filter(({ atMs }) => partOf(atMs, 3) === third).map(({ value }) => value));
  return {
    mostPerS,
    callCount,
    revocationCount: revoker.revocations.length,
    failed,
    reasons,
    p99Ms: [medianP99Ms(1), medianP99Ms(2)],
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

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Calls a second, of as many lanes as there are sockets: the least of some spans. */
async function measureMost(call: () => Promise<void>): Promise<number> {
  let leastPerS = Infinity;
  for (let span = 0; span < MEASURED_SPANS; span += 1) leastPerS = Math.min(leastPerS, await measureSpan(call));
  return leastPerS;
}

async function measureSpan(call: () => Promise<void>): Promise<number> {
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
