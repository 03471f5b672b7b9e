// A world and a fleet in it, started together; runs follow each other in it.

import { PLANES, SIDECARS, startFleet, type Fleet } from "./fleet.ts";
import { until } from "../support/wait.ts";
import { startClusterWorld } from "./worlds/cluster.ts";
import { startSentinelWorld } from "./worlds/sentinel.ts";
import { startSingleWorld } from "./worlds/single.ts";
import type { World, WorldName } from "./worlds/world.ts";

export interface Setting {
  readonly world: World;
  readonly fleet: Fleet;
  stop(): Promise<void>;
}

const VOUCHED = "portcullis:{feed}:vouched";

/** Each process beside this one is ended with it, and waits for that. */
const PROCESSES = 40;

/** Of a program that is ended by a signal: the processes beside it end with it all the same. */
export function endWithUs(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
}

/** `program` as of `startFleet`. */
export async function startSetting(name: WorldName, program?: string): Promise<Setting> {
  process.setMaxListeners(PROCESSES);
  const world = await startWorld(name);
  try {
    const fleet = await startFleet(world, program);
    // Until one has, nobody can tell an emptied store from one where no control plane ever ran (ADR 13).
    const isVouchedFor = async (): Promise<boolean> => (await world.has([VOUCHED]))[0] === true;
    if (world.feedsReplicas) await until("a control plane to vouch for the store", isVouchedFor, 60_000, 100);
    return {
      world,
      fleet,
      async stop() {
        await fleet.stop();
        await world.stop();
      },
    };
  } catch (error) {
    await world.stop();
    throw error;
  }
}

function startWorld(name: WorldName): Promise<World> {
  switch (name) {
    case "single":
      return startSingleWorld([...SIDECARS, ...PLANES]);
    case "sentinel":
      return startSentinelWorld();
    case "cluster":
      return startClusterWorld();
  }
}
