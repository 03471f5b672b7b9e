// One seeded run: calls and revocations under a schedule of faults, then peace, then the judgement.

import { createRandom } from "../support/random.ts";
import { until } from "../support/wait.ts";
import { createCallers } from "./callers.ts";
import { check, type Report } from "./checker.ts";
import type { Fault, Notes } from "./fault.ts";
import { fleetFaults, killPlane } from "./fleet-faults.ts";
import { TIERS, type Fleet } from "./fleet.ts";
import type { Disturbance, History, Revocation } from "./history.ts";
import { createRevoker, type Revoker } from "./revoker.ts";
import { describePlan, plan, type Planned } from "./schedule.ts";
import { createTokenPool, type RunToken, type TokenPool } from "./tokens.ts";
import type { World } from "./worlds/world.ts";

export interface RunOptions {
  readonly seed: number;
  /** How long faults are made. */
  readonly lastingMs: number;
  /** In place of what the seed would draw from. */
  readonly onlyFaults?: (name: string) => boolean;
  readonly callerLanes?: number;
}

export interface RunReport extends Report {
  readonly plan: string;
  readonly history: History;
}

const CALLER_LANES = 6;
const FIRST_TOKENS = 120;
const PEACE_WITHIN_MS = 30_000;
const KILLED_BATCH_LINES = 120;
/** On a machine that is busy elsewhere many answers of a store come too late, though nothing is out. */
const LET_IN_WITHIN_MS = 15_000;
const PAUSE_MS = 50;
const ALLOWED = 200;
const REFUSED = 401;

export async function run(world: World, fleet: Fleet, options: RunOptions): Promise<RunReport> {
  const random = createRandom(options.seed);
  const name = `r${options.seed}-${world.name}`;
  fleet.issuer.forgetOldKeys();
  const pool = createTokenPool(name, fleet.issuer);
  pool.mint(FIRST_TOKENS);
  const callers = createCallers(name, fleet.envoy, pool);
  const revoker = createRevoker(fleet, world, pool);
  const disturbances: Disturbance[] = [];
  const notes: Notes = { nowMs: () => performance.now(), disturbed: (one) => void disturbances.push(one) };

  const { onlyFaults = () => true } = options;
  const faults = [...world.faults, ...fleetFaults(fleet), ...fleet.issuer.faults, ...batchFaults(fleet, revoker)];
  const planned = plan(
    createRandom(options.seed),
    faults.filter((fault) => onlyFaults(fault.name)),
    options.lastingMs,
  );
  await untilPeaceful(world, fleet, callers.call, pool);
  const endWatch = world.watch?.(notes);
  callers.begin(options.callerLanes ?? CALLER_LANES, random);
  revoker.begin(random);
  const troubles = await carryOutAll(planned, notes, pool);
  await revoker.stop();
  await callers.stop();

  const healedAtMs = await untilPeaceful(world, fleet, callers.call, pool).then(() => performance.now());
  await lastRound(callers.call, pool, revoker.revocations);
  await endWatch?.();
  const kept = await world.has(revoker.revocations.map(({ key }) => key));
  for (const [i, revocation] of revoker.revocations.entries()) revocation.wasKept = kept[i] === true;
  const history: History = {
    tiers: TIERS,
    revocations: revoker.revocations,
    calls: await callers.recorded(),
    disturbances,
    healedAtMs,
  };
  const report = check(history);
  const violations = [...troubles, ...report.violations];
  return { ...report, violations, plan: describePlan(planned), history };
}

/** Each at its time, or as soon as the one before it on the same part is over, for ending one may take longer than planned. */
async function carryOutAll(planned: readonly Planned<Fault>[], notes: Notes, pool: TokenPool): Promise<string[]> {
  const lastOn = new Map<string, Promise<string[]>>();
  const all = planned.map((one) => {
    const before = lastOn.get(one.fault.part);
    const done = (async () => {
      await new Promise((resolve) => setTimeout(resolve, one.atMs));
      await before;
      return carryOut(one, notes, pool);
    })();
    lastOn.set(one.fault.part, done);
    return done;
  });
  return (await Promise.all(all)).flat();
}

/** A fault that cannot be made or ended is a fault of this suite, and no run passes with one. */
async function carryOut({ fault, forMs, seed }: Planned<Fault>, notes: Notes, pool: TokenPool): Promise<string[]> {
  try {
    const end = await fault.make(createRandom(seed), notes);
    pool.mint(3); // with whatever key there is now
    await new Promise((resolve) => setTimeout(resolve, forMs));
    await end();
    return [];
  } catch (cause) {
    return [`"${fault.name}" could not be carried out: ${String(cause)}`];
  }
}

function batchFaults({ planes }: Fleet, revoker: Revoker): readonly Fault[] {
  return planes.map((plane) => ({
    name: `control plane ${plane.name} is killed in the middle of a batch`,
    part: "the control planes",
    async make(random, notes) {
      const killAt = 1 + random.integer(KILLED_BATCH_LINES / 2);
      let killing: Promise<void> | undefined;
      await revoker.batch(plane, KILLED_BATCH_LINES, (answered) => {
        if (answered >= killAt) killing ??= killPlane(plane, planes, notes);
      });
      await (killing ?? killPlane(plane, planes, notes));
      return () => plane.revive();
    },
  }));
}

/** Everything runs, and every sidecar answers from the store itself. */
async function untilPeaceful(
  world: World,
  fleet: Fleet,
  call: (token: RunToken, tier: string) => Promise<number>,
  pool: TokenPool,
): Promise<void> {
  await world.mend();
  await fleet.mend();
  const probe = pool.all.at(-1);
  if (probe === undefined) return;
  await until(
    "both sidecars to answer",
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => call(probe, "critical")));
      return answers.every((status) => status === ALLOWED || status === REFUSED);
    },
    PEACE_WITHIN_MS,
    100,
  );
}

/**
 * Every token once more in every tier, when nothing disturbs any longer. Who may be let in is asked about again: a store
 * that answers too late for once is no fault.
 */
async function lastRound(
  call: (token: RunToken, tier: string) => Promise<number>,
  pool: TokenPool,
  revocations: readonly Revocation[],
): Promise<void> {
  const revoked = new Set(revocations.filter((one) => one.liftAckedAtMs === undefined).map(({ id }) => id));
  const settle = async (token: RunToken, tier: string): Promise<void> => {
    const { jti, sid, sub, tenant, clientId } = token.facts;
    const mayBeRefused = [jti, sid, sub, tenant, clientId].some((id) => revoked.has(id));
    const tillMs = performance.now() + LET_IN_WITHIN_MS;
    for (;;) {
      const status = await call(token, tier);
      if (status === ALLOWED || (mayBeRefused && status === REFUSED) || performance.now() >= tillMs) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  for (const token of pool.all) await Promise.all(Object.keys(TIERS).map((tier) => settle(token, tier)));
}
