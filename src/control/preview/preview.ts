// Asks the fleet what a revocation would hit, and adds up what it answers. It says of how many sidecars it heard, and
// promises nothing of the others.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { distinctCount, type DistinctCount } from "../../core/distinct-count.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { FleetBoard, SeenSidecar } from "../../revocation/fleet-board.ts";
import type { FleetAnswer } from "../../revocation/preview/question.ts";
import type { StoreFault } from "../../revocation/store.ts";

export interface Preview {
  readonly tokens: DistinctCount;
  readonly sessions: DistinctCount;
  readonly users: DistinctCount;
  /** Sidecars that were there at the end. */
  readonly liveCount: number;
  readonly answeredCount: number;
  /** Those of which nothing is known. */
  readonly missing: readonly string[];
  /** How far back all that answered remember every token; undefined: none answered. */
  readonly backMs: number | undefined;
}

/** Sidecars report each second and answer at once: three times that. */
const WAIT_MS = 3_000;
const LOOK_EVERY_MS = 100;

/** "full": as many questions are open as may be. Settles within some 3 s. */
export async function preview(
  board: FleetBoard,
  clock: Clock,
  keys: readonly string[],
  issuedBeforeS: number | undefined,
): Promise<Result<Preview, StoreFault | "full">> {
  const id = randomBytes(16).toString("base64url");
  const asked = await board.ask({ id, keys, issuedBeforeS }, WAIT_MS);
  if (!asked.ok) return asked;
  if (!asked.value) return err("full");
  const untilMs = clock.now().monotonicMs + WAIT_MS;
  for (;;) {
    await delay(LOOK_EVERY_MS);
    const fleet = await board.fleet();
    if (!fleet.ok) return fleet;
    const isComplete = fleet.value.every((sidecar) => answerOf(sidecar, id) !== undefined);
    if (isComplete || clock.now().monotonicMs >= untilMs) return ok(added(fleet.value, id));
  }
}

function added(fleet: readonly SeenSidecar[], id: string): Preview {
  const answers = fleet.flatMap((sidecar) => answerOf(sidecar, id) ?? []);
  return {
    tokens: distinctCount(answers.map(({ tokens }) => tokens)),
    sessions: distinctCount(answers.map(({ sessions }) => sessions)),
    users: distinctCount(answers.map(({ users }) => users)),
    liveCount: fleet.length,
    answeredCount: answers.length,
    missing: fleet.filter((sidecar) => answerOf(sidecar, id) === undefined).map((sidecar) => sidecar.id),
    backMs: answers.length === 0 ? undefined : Math.min(...answers.map(({ backMs }) => backMs)),
  };
}

function answerOf({ answers }: SeenSidecar, id: string): FleetAnswer | undefined {
  return answers?.find((answer) => answer.id === id);
}
