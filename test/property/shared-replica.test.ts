// The replica in shared memory against the run that wrote it, with a reader in another thread that never rests: no entry
// is torn, and none is missed that the position read before speaks of, while tables grow, shrink and are swept.

import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { Publication } from "../../src/revocation/shared/publication.ts";
import type { ReaderData } from "../support/shared-reader.ts";
import { idOfStep, keyNamed, stepsOf } from "../support/shared-run.ts";

const STEP_COUNT = 30_000;
const STEPS_PER_PAUSE = 50;
/** The reader must have looked so often for each step that is written. */
const LOOKS_PER_STEP = 2;

test.each([1, 2])(
  "a reader finds every key as it stood, run %i",
  async (seed) => {
    const publication = new Publication();
    const { port1, port2 } = new MessageChannel();
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const data: ReaderData = { sighting: publication.show(port1), port: port2, seed, stepCount: STEP_COUNT, shared };
    const reader = new Worker(new URL("../support/shared-reader.ts", import.meta.url), {
      workerData: data,
      transferList: [port2],
    });
    const said = once(reader, "message");

    const { known } = publication;
    const at = (step: number) => ({ monotonicMs: step, wallMs: step });
    for (const [step, { key, isLift }] of stepsOf(seed, STEP_COUNT).entries()) {
      if (step === 0) continue;
      publication.publish({ position: at(step - 1), changedAt: at(step), storeNowS: known.storeNowS });
      const marker = isLift
        ? undefined
        : { kind: "token" as const, value: JSON.stringify({ id: idOfStep(step) }), expiresAtMs: undefined };
      known.applyEntry(
        { key: keyNamed(key), seq: step, marker, epoch: "e", link: "", previousLink: "", isAwaited: false },
        false,
      );
      publication.publish({ position: at(step), changedAt: at(step), storeNowS: known.storeNowS });
      known.expireSome();
      if (step % STEPS_PER_PAUSE === 0) await untilLooked(shared, step * LOOKS_PER_STEP);
    }
    Atomics.store(shared, 1, 1);
    expect(await said).toEqual(["as it must be"]);
    port1.close();
  },
  60_000,
);

/** The thread that writes must not sleep for ever where the reader has ended. */
async function untilLooked(shared: Int32Array, count: number): Promise<void> {
  for (;;) {
    const looked = Atomics.load(shared, 0);
    if (looked >= count) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
