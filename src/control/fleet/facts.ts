// What a fleet's operator watches, from what the sidecars last said of themselves.

import type { BreakerStateName, FleetFacts } from "../../core/observer.ts";
import type { FleetBoard } from "../../revocation/fleet-board.ts";

/** undefined: the store cannot tell now. */
export async function fleetFacts(board: FleetBoard): Promise<FleetFacts | undefined> {
  const fleet = await board.fleet();
  if (!fleet.ok) return undefined;
  const sidecarsByBreaker: Record<BreakerStateName, number> = { closed: 0, "half-open": 0, open: 0 };
  let unprovedCount = 0;
  let lagMaxMs = 0;
  for (const { breaker, lagMs } of fleet.value) {
    sidecarsByBreaker[breaker] += 1;
    if (lagMs === undefined) unprovedCount += 1;
    else lagMaxMs = Math.max(lagMaxMs, lagMs);
  }
  return { sidecarsByBreaker, unprovedCount, lagMaxMs };
}
