// A team: a process of the base, one of the head, and a second one of the base, which read their gauges in turn.
// Whatever the machine does meanwhile, it does to all three. It judges nothing.
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { TeamReading } from "./compare.ts";
import { MEASURES, type Measure, type Reading } from "./measures.ts";
import type { Ask } from "./probe.ts";
import { NothingToCompare, type Trees } from "./trees.ts";

export interface TeamTimes {
  readonly warmUpCpuMs: number;
  readonly sliceCpuMs: number;
  /** A slice of each process in each. */
  readonly roundCount: number;
}

export async function measureTeam(trees: Trees, times: TeamTimes): Promise<TeamReading> {
  const probes = [new Probe(trees.base.folder), new Probe(trees.head.folder), new Probe(trees.base.folder)] as const;
  try {
    const [gaugeCount = 0] = await Promise.all(probes.map((probe) => probe.gaugeCount()));
    for (let gauge = 0; gauge < gaugeCount; gauge += 1) {
      for (const probe of probes) await probe.read({ gauge, cpuMs: times.warmUpCpuMs });
      for (let round = 0; round < times.roundCount; round += 1) {
        for (const probe of orderOf(probes, round)) {
          probe.keep(await probe.read({ gauge, cpuMs: times.sliceCpuMs }));
        }
      }
    }
    const [base, head, twin] = probes;
    return { base: base.best(), head: head.best(), twin: twin.best() };
  } finally {
    for (const probe of probes) probe.end();
  }
}

/** Each comes after each other as often, and none after itself: its caches would be warm where another's are not. */
function orderOf([base, head, twin]: readonly [Probe, Probe, Probe], round: number): readonly Probe[] {
  return round % 2 === 0 ? [base, head, twin] : [base, twin, head];
}

class Probe {
  readonly #child: ChildProcess;
  readonly #kept: Reading[] = [];
  readonly #tree: string;
  #stderr = "";

  constructor(tree: string) {
    this.#tree = tree;
    this.#child = fork(join(tree, "bench/check/probe.ts"), [], {
      cwd: tree,
      // The young generation as bin/portcullis has it, for the collector's share of a call depends on it; and no threads of
      // V8's own, which on a busy machine wait for each other at our cost.
      execArgv: ["--max-semi-space-size=8", "--single-threaded"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
  }

  async gaugeCount(): Promise<number> {
    const { gaugeCount } = (await this.#answer()) as { readonly gaugeCount: number };
    return gaugeCount;
  }

  async read(ask: Ask): Promise<Reading> {
    const answer = this.#answer();
    this.#child.send(ask);
    return (await answer) as Reading;
  }

  keep(reading: Reading): void {
    this.#kept.push(reading);
  }

  best(): Reading {
    return Object.fromEntries(MEASURES.map((measure) => [measure, bestOf(measure, this.#kept)]));
  }

  end(): void {
    this.#child.kill();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (): void =>
        reject(new NothingToCompare(`the benchmark does not run on ${this.#tree}:\n${this.#stderr.slice(0, 2_000)}`));
      this.#child.once("exit", ended);
      this.#child.once("message", (message) => {
        this.#child.off("exit", ended);
        resolve(message);
      });
    });
  }
}

/** Of the readings of CPU time the mean of the least quarter: what others do to the caches only adds. Of bytes the median. */
function bestOf(measure: Measure, readings: readonly Reading[]): number | undefined {
  const values = readings.map((reading) => reading[measure]).filter((value) => value !== undefined);
  const sorted = values.toSorted((a, b) => a - b);
  if (measure.endsWith("bytes")) return sorted[sorted.length >> 1];
  const least = sorted.slice(0, Math.ceil(sorted.length / 4));
  return least.reduce((sum, value) => sum + value, 0) / least.length;
}
