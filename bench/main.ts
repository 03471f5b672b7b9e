// `make bench`: sets the stage, measures within its time, prints one table and writes bench/results/latest.json. It loads
// nothing but 127.0.0.1 and ends every process that it started.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeFixtures } from "./fixtures/folder.ts";
import type { LoadResult } from "./load/job.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { type BurstOutcome, measureBursts } from "./bursts.ts";
import { measure } from "./measure.ts";
import { planOf, TOKEN_COUNT } from "./plan.ts";
import { freePort, isListening, until } from "./ports.ts";
import { CORE, Processes } from "./processes.ts";
import { formatReport, type Outcome } from "./report.ts";
import { measureRevocations } from "./revocations.ts";
import { type Lab, measureRounds } from "./rounds.ts";
import { summarize } from "./summary.ts";
import { heimdallTargets } from "./targets/heimdall.ts";
import { buildPeers } from "./targets/peers.ts";
import { grpcJsTarget, portcullisTarget } from "./targets/portcullis.ts";
import { startRedis } from "./targets/redis.ts";
import type { Target } from "./targets/target.ts";

const PROJECT = resolve(import.meta.dirname, "..");
const PEERS = join(PROJECT, "../shared/peers");
const BINARIES = join(PROJECT, ".cache/peers");
const RESULT = join(PROJECT, "bench/results/latest.json");
const FAN_OUT = join(PROJECT, "bench/fan-out.ts");
const HANDLER = join(PROJECT, "bench/handler.ts");
const TRIVIAL_SERVER = join(PROJECT, "bench/load/trivial-server.ts");

/** More wrong or missing answers than this are no noise: the run fails. */
const TOLERATED_FAILURE_RATIO = 0.001;

async function main(): Promise<number> {
  const plan = planOf(isSet("QUICK"));
  const startedAtMs = Date.now();
  const work = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const processes = new Processes(work);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const skipped: string[] = [];
  const fixtures = writeFixtures(join(work, "fixtures"), TOKEN_COUNT);
  const redis = await startRedis(processes, work, "redis");
  const jwks = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(fixtures.jwks);
  }).listen(0, "127.0.0.1");
  await once(jwks, "listening");
  const skip = (name: string, why: string): void => void skipped.push(`${name}: ${why}`);
  const jwksPort = portOf(jwks.address());
  const peers = [
    ...(await buildPeers(
      processes,
      { folder: PEERS, work, fixtures: fixtures.folder, redisSocket: redis.socket, jwksPort },
      skip,
    )),
    ...(await heimdallTargets(processes, { work, jwksPort, cache: BINARIES, mayBuild: plan.name === "full" }, skip)),
  ];
  // What was built is there the next time: it takes nothing from the time to measure.
  const measuringSinceMs = Date.now();
  const lab: Lab = {
    processes,
    plan,
    work,
    fixtures,
    redis,
    envoyBinary: process.env["ENVOY"] ?? newestEnvoy(),
    envoyReference: join(PROJECT, "envoy/envoy.yaml"),
    isTimeUp: () => Date.now() - measuringSinceMs > plan.budgetMs,
    say: (line) => console.error(line),
    skip: (line) => skipped.push(line),
  };
  const place = { processes, project: PROJECT, work, fixtures };
  const failed = (what: string) => (error: unknown) => {
    skipped.push(`${what}: ${String(error)}`);
    return undefined;
  };
  const loader = await measureLoader(lab);
  const revocations = isSet("ONLY") ? undefined : await measureRevocations(lab, place).catch(failed("revocations"));
  const bursts: readonly BurstOutcome[] = isSet("ONLY")
    ? []
    : ((await measureBursts(lab, place).catch(failed("bursts"))) ?? []);
  const handler = await processes
    .run(CORE.server, [process.execPath, HANDLER, "recent", "ask"])
    .catch(failed("handler"));
  const fleet: string[] = [];
  for (const way of plan.fleetWays) {
    if (isSet("ONLY")) break;
    lab.say(`a fleet, fed by ${way}`);
    const lines = await processes.run("any", [process.execPath, FAN_OUT, way]).catch(failed(`a fleet, fed by ${way}`));
    if (lines !== undefined) fleet.push(lines);
  }
  const samples = await measureRounds(
    lab,
    narrowed([portcullisTarget(place, redis.socket), grpcJsTarget(place, redis.socket), ...peers]),
  );
  await processes.stopAll();
  jwks.close();
  const outcome: Outcome = {
    at: new Date(startedAtMs).toISOString(),
    plan,
    machine: describeMachine(processes.pins),
    versions: describeVersions(PROJECT, lab.envoyBinary),
    rows: summarize(samples),
    revocations,
    bursts,
    handler,
    fleet,
    loader,
    skipped,
  };
  mkdirSync(join(RESULT, ".."), { recursive: true });
  writeFileSync(RESULT, `${JSON.stringify({ ...outcome, samples }, undefined, 1)}\n`);
  process.stdout.write(`\n${formatReport(outcome)}`);
  return samples.length > 0 && outcome.rows.every(({ failedRatio }) => failedRatio <= TOLERATED_FAILURE_RATIO) ? 0 : 1;
}

/** Those whose `name, scenario kind` ONLY matches, as in ONLY='cold-rs256'. */
function narrowed(targets: readonly Target[]): readonly Target[] {
  const only = new RegExp(process.env["ONLY"] ?? "");
  return targets
    .map((target) => {
      const scenarios = target.scenarios.filter(({ kind }) => only.test(`${target.name}, ${kind}`));
      return Object.assign({}, target, { scenarios });
    })
    .filter(({ scenarios }) => scenarios.length > 0);
}

/** How fast the loader itself is: it must be far beyond any server measured with it. */
async function measureLoader(lab: Lab): Promise<LoadResult> {
  const port = await freePort();
  const server = lab.processes.start("trivial", CORE.server, [process.execPath, TRIVIAL_SERVER, String(port)]);
  await until("the trivial server", server, () => isListening({ host: "127.0.0.1", port }));
  const endpoint = { host: "127.0.0.1", port };
  const about = { mode: "max", endpoint, alg: "rs256", watch: { server: server.pid }, seed: 1 } as const;
  const result = await measure(lab.processes, { ...lab.plan, retryCount: 0 }, lab.fixtures.folder, about);
  await server.stop();
  lab.say(`loader alone: ${Math.round(result.perSecond)}/s`);
  return result;
}

function newestEnvoy(): string {
  const cache = join(PROJECT, ".cache/envoy");
  const versions = existsSync(cache) ? readdirSync(cache) : [];
  const newest = versions.toSorted((left, right) => left.localeCompare(right, "en", { numeric: true })).at(-1);
  if (newest === undefined)
    throw new Error("no Envoy in .cache/envoy: run `make bench`, which fetches it, or set ENVOY");
  return join(cache, newest, "envoy");
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

function isSet(name: string): boolean {
  return !["", "0", "false"].includes(process.env[name] ?? "");
}

process.exit(await main());
