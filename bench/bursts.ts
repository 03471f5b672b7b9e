// How long calls with known tokens take beside bursts of new ones, which must not double their p99: through Envoy at the
// fixed rate, alone and beside bursts of each algorithm by turns.
import { join } from "node:path";
import { writeFixtures } from "./fixtures/folder.ts";
import type { Alg } from "./fixtures/tokens.ts";
import type { BurstJob, BurstResult } from "./load/job.ts";
import { measure } from "./measure.ts";
import { TOKEN_COUNT } from "./plan.ts";
import { freePort } from "./ports.ts";
import { CORE } from "./processes.ts";
import type { Lab } from "./rounds.ts";
import { type Spread, spreadOf } from "./summary.ts";
import { startEnvoy } from "./targets/envoy.ts";
import { type Place, startSidecar } from "./targets/portcullis.ts";

export interface BurstOutcome {
  /** Of the burst's tokens; undefined: there was none. */
  readonly alg: Alg | undefined;
  readonly size: number;
  /** Of the calls with known tokens. */
  readonly p99Ms: Spread;
  /** Answers to the bursts that were not an allow. */
  readonly failedCount: number;
}

/** Seven to twenty per cent of what a core can verify, all of it at once every so often. */
const EVERY_MS = 100;
const SIZES: readonly (readonly [alg: Alg, size: number])[] = [
  ["rs256", 400],
  ["es256", 130],
  ["es384", 12],
];
/** Enough that a token is forgotten before it comes again, and room for the known ones, of which each is asked about often. */
const NEW_TOKEN_COUNT = 2_000;
const REMEMBERED_COUNT = 2_000;
const LOADER = new URL("./load/bursts.ts", import.meta.url).pathname;

export async function measureBursts(lab: Lab, place: Place): Promise<readonly BurstOutcome[]> {
  const fixtures = writeFixtures(join(lab.work, "burst-fixtures"), TOKEN_COUNT + NEW_TOKEN_COUNT);
  const [port, envoyPort] = [await freePort(), await freePort()];
  const settings = { redisSocket: lab.redis.socket, tiers: { bench: { maxStaleness: "2s" } }, feed: "none" } as const;
  const sidecar = await startSidecar(
    { ...place, fixtures },
    { ...settings, verifiedTokenCount: REMEMBERED_COUNT },
    port,
  );
  const guard = { kind: "ext_authz", port, reference: lab.envoyReference } as const;
  const envoy = await startEnvoy(lab.processes, lab.envoyBinary, lab.work, envoyPort, guard);
  try {
    const kinds: readonly (readonly [Alg | undefined, number])[] = [[undefined, 0], ...SIZES];
    const found = kinds.map(([alg, size]) => ({ alg, size, p99Ms: [] as number[], failedCount: 0 }));
    for (let round = 1; round <= lab.plan.roundCount && !lab.isTimeUp(); round += 1) {
      for (const kind of round % 2 === 0 ? found.toReversed() : found) {
        const burst = startBurst(lab, fixtures.folder, port, kind.alg, kind.size);
        const watch = { server: sidecar.pid, envoy: envoy.pid, redis: lab.redis.running.pid, ...burst.watch };
        const result = await measure(lab.processes, lab.plan, fixtures.folder, {
          mode: "envoy",
          endpoint: { host: "127.0.0.1", port: envoyPort },
          alg: "rs256",
          watch,
          seed: round,
        });
        kind.p99Ms.push(result.latencyMs.p99);
        kind.failedCount += (await burst.end()).failedCount;
        lab.say(
          `round ${round}  known tokens beside ${kind.alg ?? "nothing"}: p99 ${result.latencyMs.p99.toFixed(2)} ms`,
        );
      }
    }
    return found.flatMap((kind) => {
      const p99Ms = spreadOf(kind.p99Ms);
      return p99Ms === undefined ? [] : [{ ...kind, p99Ms }];
    });
  } finally {
    await envoy.stop();
    await sidecar.stop();
  }
}

interface Burst {
  readonly watch: Readonly<Record<string, number>>;
  end(): Promise<BurstResult>;
}

function startBurst(lab: Lab, folder: string, port: number, alg: Alg | undefined, size: number): Burst {
  const nothing: BurstResult = { sentCount: 0, endedCount: 0, failedCount: 0 };
  if (alg === undefined) return { watch: {}, end: () => Promise.resolve(nothing) };
  const job: BurstJob = {
    endpoint: { host: "127.0.0.1", port },
    fixtures: folder,
    alg,
    firstToken: TOKEN_COUNT,
    tokenCount: NEW_TOKEN_COUNT,
    size,
    everyMs: EVERY_MS,
  };
  // It gives way to Envoy and the loader on their core: what sending a burst takes is not what the server makes of it.
  const command = ["nice", "-n", "10", process.execPath, LOADER, JSON.stringify(job)];
  const running = lab.processes.start("bursts", CORE.others, command);
  return {
    watch: { burst: running.pid },
    async end() {
      await running.stop();
      return JSON.parse(running.lastWords()) as BurstResult;
    },
  };
}
