// The interleaved rounds: every server in every scenario once a round, straight and through Envoy, with Envoy alone and
// Envoy's own jwt_authn among them.
import type { Fixtures } from "./fixtures/folder.ts";
import type { LoadResult } from "./load/job.ts";
import { measure, type Mode } from "./measure.ts";
import type { Plan } from "./plan.ts";
import { freePort } from "./ports.ts";
import type { Processes, Running } from "./processes.ts";
import { type Guard, startEnvoy } from "./targets/envoy.ts";
import type { RedisServer } from "./targets/redis.ts";
import type { Scenario, ScenarioKind, Target } from "./targets/target.ts";

export interface Sample {
  readonly target: string;
  readonly scenario: ScenarioKind | "envoy";
  readonly mode: Mode;
  readonly round: number;
  readonly result: LoadResult;
}

export interface Lab {
  readonly processes: Processes;
  readonly plan: Plan;
  readonly work: string;
  readonly fixtures: Fixtures;
  readonly envoyBinary: string;
  /** The project's envoy/envoy.yaml. */
  readonly envoyReference: string;
  readonly redis: RedisServer;
  readonly isTimeUp: () => boolean;
  /** Progress, for who watches. */
  readonly say: (line: string) => void;
  /** What could not be measured, and why: it goes into the report. */
  readonly skip: (line: string) => void;
}

export const ENVOY_ALONE = "Envoy alone";
const JWT_AUTHN = "Envoy jwt_authn";
const JWT_AUTHN_CACHED = "Envoy jwt_authn, cache on";
const ENVOY_TOKEN_CACHE_COUNT = 100_000;

/** Whose tails are held against each other: measured in more rounds, straight too, which is what warms a server up. */
const TAILS: ReadonlySet<string> = new Set([
  "portcullis, recent",
  "portcullis, ask",
  "go-handwritten, recent",
  "go-handwritten, ask",
  "go-noop, floor",
]);

/** All samples that the time allowed. Every second round goes backwards, so that nobody is always measured last. */
export async function measureRounds(lab: Lab, targets: readonly Target[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let round = 1; round <= lab.plan.tailRoundCount; round += 1) {
    const steps = stepsOf(lab, targets, round);
    for (const step of round % 2 === 0 ? steps.toReversed() : steps) {
      if (lab.isTimeUp()) {
        lab.skip(
          `what comes after ${samples.length} samples: the time was up in round ${round} of ${lab.plan.tailRoundCount}`,
        );
        return samples;
      }
      samples.push(...(await step.measure().catch((error: unknown) => skipped(lab, step.name, error))));
    }
  }
  return samples;
}

interface Step {
  readonly name: string;
  readonly measure: () => Promise<Sample[]>;
}

function skipped(lab: Lab, name: string, error: unknown): [] {
  const why = error instanceof Error ? error.message : String(error);
  lab.say(`${name}: ${why}`);
  lab.skip(`${name}: ${why}`);
  return [];
}

function stepsOf(lab: Lab, targets: readonly Target[], round: number): Step[] {
  if (round > lab.plan.roundCount) {
    return targets.flatMap((target) => targetSteps(lab, target, round)).filter(({ name }) => TAILS.has(name));
  }
  const due = targets.filter(({ inEveryRound }) => inEveryRound || round === 1);
  return [...baselineSteps(lab, round), ...due.flatMap((target) => targetSteps(lab, target, round))];
}

function baselineSteps(lab: Lab, round: number): Step[] {
  const { jwksFile } = lab.fixtures;
  const baselines: (readonly [string, Guard])[] = [
    [ENVOY_ALONE, { kind: "none" }],
    [JWT_AUTHN, { kind: "jwt_authn", jwksFile, cacheCount: 0 }],
    [JWT_AUTHN_CACHED, { kind: "jwt_authn", jwksFile, cacheCount: ENVOY_TOKEN_CACHE_COUNT }],
  ];
  return baselines.map(([target, guard]) => ({
    name: target,
    measure: async () => {
      const result = await throughEnvoy(lab, guard, "rs256", {}, round);
      return [said(lab, { target, scenario: "envoy", mode: "envoy", round, result })];
    },
  }));
}

function targetSteps(lab: Lab, target: Target, round: number): Step[] {
  return target.scenarios.map((scenario) => ({
    name: `${target.name}, ${scenario.kind}`,
    measure: () => measureScenario(lab, target, scenario, round),
  }));
}

async function measureScenario(lab: Lab, target: Target, scenario: Scenario, round: number): Promise<Sample[]> {
  const { processes, plan, fixtures, redis } = lab;
  const port = await freePort();
  const server = await target.start(scenario, port);
  try {
    const about = { target: target.name, scenario: scenario.kind, round };
    const watch = { server: server.pid, ...(target.usesStore ? { redis: redis.running.pid } : {}) };
    const straight = {
      mode: "max",
      endpoint: { host: "127.0.0.1", port },
      alg: scenario.alg,
      watch,
      seed: round,
    } as const;
    const guard: Guard = { kind: "ext_authz", port, reference: target.isOurs ? lab.envoyReference : undefined };
    const max = said(lab, { ...about, mode: "max", result: await measure(processes, plan, fixtures.folder, straight) });
    const result = await throughEnvoy(lab, guard, scenario.alg, watch, round);
    return [max, said(lab, { ...about, mode: "envoy", result })];
  } finally {
    await server.stop();
  }
}

async function throughEnvoy(
  lab: Lab,
  guard: Guard,
  alg: Scenario["alg"],
  watch: Readonly<Record<string, number>>,
  seed: number,
): Promise<LoadResult> {
  const port = await freePort();
  const envoy: Running = await startEnvoy(lab.processes, lab.envoyBinary, lab.work, port, guard);
  try {
    return await measure(lab.processes, lab.plan, lab.fixtures.folder, {
      mode: "envoy",
      endpoint: { host: "127.0.0.1", port },
      alg,
      watch: { ...watch, envoy: envoy.pid },
      seed,
    });
  } finally {
    await envoy.stop();
  }
}

function said(lab: Lab, sample: Sample): Sample {
  const { target, scenario, mode, round, result } = sample;
  const speed = mode === "max" ? `${Math.round(result.perSecond)}/s` : `p99 ${result.latencyMs.p99.toFixed(2)} ms`;
  const failures = Object.entries(result.failures)
    .map(([why, count]) => ` FAILED ${count} × ${why}`)
    .join(",");
  lab.say(
    `round ${round}  ${target}, ${scenario}, ${mode}: ${speed}, others ${Math.max(0, result.foreignPercent).toFixed(0)} %${failures}`,
  );
  return sample;
}
