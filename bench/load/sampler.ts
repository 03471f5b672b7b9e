// A thread that reads the CPU time and memory of the watched processes, and of everything else, at both ends of the
// measured window, without holding up the loader's event loop.
import { readdirSync, readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { sleepUntil } from "./clock.ts";

export interface SamplerData {
  readonly fromMs: number;
  readonly toMs: number;
  /** Process ids by name. */
  readonly watch: Readonly<Record<string, number>>;
}

export interface Sample {
  /** CPU time within the window, µs, by name. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Resident at the end of the window, MiB, by name. */
  readonly rssMiB: Readonly<Record<string, number>>;
  /** What processes that are not watched used, in percent of one core. */
  readonly foreignPercent: number;
  /** What the host took away, in percent of one core. */
  readonly stealPercent: number;
}

/** USER_HZ is 100 on every Linux that Node runs on; pages are 4 KiB on x86-64 and mostly on arm64. */
const US_PER_TICK = 10_000;
const BYTES_PER_PAGE = 4096;

interface Usage {
  readonly cpuUs: number;
  readonly rssMiB: number;
}

/** proc_pid_stat(5): utime, stime and rss are fields 14, 15 and 24; the name may hold spaces and ends with `)`. */
function usageOf(pid: number | string): Usage {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return { cpuUs: 0, rssMiB: 0 };
  }
  const fields = line
    .slice(line.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [userTicks = 0, systemTicks = 0, pages = 0] = [fields[11], fields[12], fields[21]];
  return { cpuUs: (userTicks + systemTicks) * US_PER_TICK, rssMiB: (pages * BYTES_PER_PAGE) / 2 ** 20 };
}

interface Machine {
  readonly byPid: ReadonlyMap<string, number>;
  readonly stealUs: number;
}

function readMachine(): Machine {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const steal = Number(readFileSync("/proc/stat", "latin1").split("\n", 1)[0]?.split(/ +/)[8]);
  return { byPid: new Map(pids.map((pid) => [pid, usageOf(pid).cpuUs])), stealUs: steal * US_PER_TICK };
}

function readWatched(watch: SamplerData["watch"]): [string, Usage][] {
  return Object.entries(watch).map(([name, pid]) => [name, usageOf(pid)]);
}

function sample({ fromMs, toMs, watch }: SamplerData): Sample {
  sleepUntil(fromMs);
  const before = new Map(readWatched(watch));
  const machineBefore = readMachine();
  sleepUntil(toMs);
  const after = readWatched(watch);
  const machineAfter = readMachine();
  const cpuUs = after.map(([name, usage]): [string, number] => [name, usage.cpuUs - (before.get(name)?.cpuUs ?? 0)]);
  let foreignUs = 0;
  for (const [pid, usedUs] of machineAfter.byPid) foreignUs += usedUs - (machineBefore.byPid.get(pid) ?? 0);
  for (const [, usedUs] of cpuUs) foreignUs -= usedUs;
  const percent = (usedUs: number): number => usedUs / (toMs - fromMs) / 10;
  return {
    cpuUs: Object.fromEntries(cpuUs),
    rssMiB: Object.fromEntries(after.map(([name, usage]) => [name, usage.rssMiB])),
    foreignPercent: percent(foreignUs),
    stealPercent: percent(machineAfter.stealUs - machineBefore.stealUs),
  };
}

parentPort?.postMessage(sample(workerData as SamplerData));
