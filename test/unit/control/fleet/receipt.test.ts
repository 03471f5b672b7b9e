// Who waits for the fleet is told by what sidecars say, here or elsewhere, and by nothing else.
import { expect, test } from "vitest";
import { createFleetWatch } from "../../../../src/control/fleet/receipt.ts";
import { ok } from "../../../../src/core/result.ts";
import { createMemoryStore } from "../../../../src/revocation/memory/store.ts";
import type { Heeded, SidecarReport } from "../../../../src/revocation/fleet-board.ts";
import { newRevocation, realClock, valueOf } from "../../../conformance/store-suite.ts";
import { until } from "../../../support/wait.ts";

function reportOf(id: string, heeded: Heeded | undefined): SidecarReport {
  return {
    id,
    version: "1",
    heeded,
    lagMs: 0,
    breaker: "closed",
    totals: undefined,
    answers: undefined,
    startedAtMs: 1,
  };
}

async function fleetOf(...ids: readonly string[]) {
  const store = createMemoryStore({ keyPrefix: "", clock: realClock });
  const { seq = 0 } = valueOf(await store.put(newRevocation({ kind: "token", issuer: "main", id: "a" })));
  const { epoch } = valueOf(await store.eventsAfter("end", 0)).reached;
  await store.report(ids.map((id) => reportOf(id, undefined)));
  return { store, seq, epoch };
}

test("what a sidecar says here is taken at its word at once, though the store tells nothing of it", async () => {
  const { store, seq, epoch } = await fleetOf("a", "b");
  let looks = 0;
  const watch = createFleetWatch(
    {
      ...store,
      heeded: async (ids) => {
        looks += 1;
        return ok(ids.map(() => undefined));
      },
    },
    realClock,
  );
  const waits = watch.heeding(seq, performance.now());
  await until("it to wait", () => looks > 0);
  watch.told(reportOf("a", { epoch, seq }));
  watch.told(reportOf("b", { epoch: "another", seq }));
  watch.told(reportOf("b", { epoch, seq: seq - 1 }));
  watch.told(reportOf("b", undefined));
  watch.told(reportOf("a stranger", { epoch, seq }));
  const looksBefore = looks;
  await until("nothing to come of that", () => looks > looksBefore + 1);
  watch.told(reportOf("b", { epoch, seq: seq + 1 }));
  expect(valueOf(await waits)).toEqual({ live: 2, applied: 2, pending: [], ms: expect.any(Number) });
});

test("what it said elsewhere is found in the store", async () => {
  const { store, seq, epoch } = await fleetOf("a", "b");
  const watch = createFleetWatch(store, realClock);
  const waits = watch.heeding(seq, performance.now());
  await store.report(["a", "b"].map((id) => reportOf(id, { epoch, seq })));
  expect(valueOf(await waits)).toMatchObject({ live: 2, applied: 2 });
});
