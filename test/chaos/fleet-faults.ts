// The faults of the fleet's own processes: killed, paused, rolled under load, their clocks stepped.

import type { Random } from "../support/random.ts";
import type { SteppedClock } from "./clock-step.ts";
import type { Fault, Notes } from "./fault.ts";
import { untilReady, type Fleet } from "./fleet.ts";
import type { Member } from "./member.ts";

/** Within the issuer's clockSkew, or every token would be refused; far beyond every tier's ages. */
const LARGEST_STEP_S = 25;

/** What a plane knows the other has read from the feed by then, or from the log when it starts. */
const TOLD_WITHIN_MS = 1_000;
const CAUGHT_UP_WITHIN_MS = 5_000;

export function fleetFaults(fleet: Fleet): readonly Fault[] {
  const { sidecars, planes, clocks } = fleet;
  return [
    ...sidecars.flatMap((sidecar) => [killed(sidecar), paused(sidecar, `sidecar ${sidecar.name}`)]),
    ...planes.flatMap((plane) => [planeKilled(plane, planes), paused(plane, "the control planes")]),
    rolled(sidecars),
    // Always in the list, so that a seed's schedule does not depend on what is installed.
    ...sidecars.map(({ name }) => clockStepped(name, clocks?.get(name))),
  ];
}

function killed(sidecar: Member): Fault {
  return {
    name: `sidecar ${sidecar.name} is killed`,
    part: `sidecar ${sidecar.name}`,
    async make() {
      await sidecar.kill();
      return () => sidecar.revive();
    },
  };
}

function paused(member: Member, part: string): Fault {
  return {
    name: `${member.name} is paused`,
    part,
    async make() {
      member.pause();
      return () => member.resume();
    },
  };
}

function planeKilled(plane: Member, planes: readonly Member[]): Fault {
  return {
    name: `control plane ${plane.name} is killed`,
    part: "the control planes",
    async make(_random, notes) {
      await killPlane(plane, planes, notes);
      return () => plane.revive();
    },
  };
}

/** Says, too, what nobody may remember after that. */
export async function killPlane(plane: Member, planes: readonly Member[], notes: Notes): Promise<void> {
  await plane.kill();
  const toMs = notes.nowMs();
  const others = planes.filter((other) => other !== plane && other.current().process.ended() === undefined);
  const isRemembered = others.some((other) => performance.now() - other.startedAtMs() > CAUGHT_UP_WITHIN_MS);
  notes.disturbed({ kind: "planes forgot", fromMs: isRemembered ? toMs - TOLD_WITHIN_MS : 0, toMs });
}

function rolled(sidecars: readonly Member[]): Fault {
  return {
    name: "the sidecars are rolled",
    part: "sidecars",
    async make() {
      const rolling = (async () => {
        for (const sidecar of sidecars) {
          await sidecar.drain();
          await sidecar.revive();
          await untilReady(sidecar);
        }
      })();
      rolling.catch(() => undefined); // whoever ends the fault is told
      return () => rolling;
    },
  };
}

function clockStepped(name: string, clock: SteppedClock | undefined): Fault {
  return {
    name: `the clock of ${name} steps`,
    part: `the clock of ${name}`,
    async make(random: Random) {
      clock?.stepTo(Math.round(random.between(1, LARGEST_STEP_S)) * (random.chance(0.5) ? 1 : -1));
      return () => clock?.stepTo(0);
    },
  };
}
