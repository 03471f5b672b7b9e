// Measures what a second worker brings: new tokens, which are nearly all server's work, to a sidecar of one thread, to one of
// two workers and to two of one thread by turns. Loaders, Redis and whatever else runs share the same cores, so beside
// calls/s stands what a call costs in CPU. Prints one table; `node bench/workers.ts [rounds]`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFixtures } from "./fixtures/folder.ts";
import type { LoadJob, LoadResult } from "./load/job.ts";
import { TOKEN_COUNT } from "./plan.ts";
import { freePort } from "./ports.ts";
import { Processes, type Running } from "./processes.ts";
import { startSidecar } from "./targets/portcullis.ts";
import { startRedis } from "./targets/redis.ts";

/** Verified tokens that are remembered; 0: each is new. */
const SCENARIOS = [
  ["known tokens", 10_000],
  ["new tokens", 0],
] as const;
const ROUNDS = Number(process.argv[2] ?? 4);
/** Enough to keep a thread busy. */
const STREAMS_OF_A_LOADER = 16;
/** Others may keep a thread from its core for longer than a Check may take: every call is to be answered all the same. */
const DEADLINE = "10s";

const LOADER = new URL("./load/main.ts", import.meta.url).pathname;
const project = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "portcullis-bench-workers-"));
const processes = new Processes(work);
const redis = await startRedis(processes, work, "redis");
const fixtures = writeFixtures(join(work, "fixtures"), TOKEN_COUNT);

interface Kind {
  readonly name: string;
  /** Each loader's port, and whom it calls there. */
  readonly ends: readonly (readonly [port: number, server: Running])[];
  readonly samples: Sample[];
}

interface Sample {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly failedRatio: number;
}

async function start(workerCount: 1 | 2, verifiedTokenCount: number): Promise<Kind["ends"]> {
  const ports = [await freePort(), await freePort()] as const;
  const place = { processes, project, work: mkdtempSync(join(work, "sidecar-")), fixtures };
  const tiers = { bench: { maxStaleness: "60s" } };
  const settings = {
    redisSocket: redis.socket,
    tiers,
    feed: "redis",
    verifiedTokenCount,
    deadline: DEADLINE,
  } as const;
  const workerPorts = workerCount === 2 ? [ports[1]] : [];
  const server = await startSidecar(place, { ...settings, workerPorts }, ports[0]);
  return ports.map((port) => [workerCount === 2 ? port : ports[0], server]);
}

/** Two loaders at once, one for each end. */
async function sample({ ends }: Kind, measureMs: number): Promise<Sample> {
  const results = await Promise.all(
    ends.map(async ([port, server]) => {
      const job: LoadJob = {
        kind: "grpc",
        endpoint: { host: "127.0.0.1", port },
        fixtures: fixtures.folder,
        alg: "rs256",
        tokenCount: TOKEN_COUNT,
        connectionCount: 1,
        load: { loop: "closed", streamCount: STREAMS_OF_A_LOADER },
        warmMs: 1_000,
        measureMs,
        watch: { server: server.pid },
      };
      return JSON.parse(await processes.run("any", [process.execPath, LOADER, JSON.stringify(job)])) as LoadResult;
    }),
  );
  const endedCount = results.reduce((sum, result) => sum + result.endedCount, 0);
  const failedCount = results
    .flatMap((result) => Object.values(result.failures))
    .reduce((sum, count) => sum + count, 0);
  // Where both call one process, each has seen all that it used, over windows that begin within a few milliseconds.
  const seenUs = results.reduce((sum, result) => sum + (result.cpuUsPerCall["server"] ?? 0) * result.endedCount, 0);
  const processCount = new Set(ends.map(([, { pid }]) => pid)).size;
  return {
    failedRatio: failedCount / endedCount,
    perSecond: results.reduce((sum, result) => sum + result.perSecond, 0),
    cpuUs: (seenUs * processCount) / ends.length / endedCount,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}

function tell(scenario: string, kinds: readonly [Kind, ...Kind[]]): void {
  const [one] = kinds;
  for (const { name, samples } of kinds) {
    const ratio = (of: (each: Sample) => number): string =>
      median(samples.map((each, i) => of(each) / of(one.samples[i] ?? each))).toFixed(2);
    const perSecond = median(samples.map((each) => each.perSecond));
    const cpuUs = median(samples.map((each) => each.cpuUs));
    const cells = [
      scenario.padEnd(12),
      name.padEnd(13),
      `${perSecond.toFixed(0).padStart(6)} calls/s (${ratio((each) => each.perSecond)} x)`,
      `${cpuUs.toFixed(1).padStart(6)} us CPU a call (${ratio((each) => each.cpuUs)} x)`,
      `${((perSecond * cpuUs) / 1e6).toFixed(2)} cores`,
      // Where others keep a thread from its core while new tokens wait for it, they are told `overloaded`.
      `${(median(samples.map((each) => each.failedRatio)) * 100).toFixed(1)} % shed`,
    ];
    process.stdout.write(`${cells.join("  ")}\n`);
  }
}

try {
  for (const [scenario, verifiedTokenCount] of SCENARIOS) {
    const one = await start(1, verifiedTokenCount);
    const two = await start(2, verifiedTokenCount);
    const other = await start(1, verifiedTokenCount);
    const kinds: [Kind, ...Kind[]] = [
      { name: "one thread", ends: one, samples: [] },
      { name: "two workers", ends: two, samples: [] },
      { name: "two processes", ends: [...one.slice(0, 1), ...other.slice(0, 1)], samples: [] },
    ];
    // Until its replica is in step a sidecar asks Redis, which others may keep from its core for too long.
    for (const kind of kinds) await sample(kind, 1_000);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
        kind.samples.push(await sample(kind, 2_500));
      }
    }
    tell(scenario, kinds);
    const servers = new Set(kinds.flatMap(({ ends }) => ends.map(([, server]) => server)));
    await Promise.all([...servers].map((server) => server.stop()));
  }
} finally {
  await processes.stopAll();
  rmSync(work, { recursive: true, force: true });
}
