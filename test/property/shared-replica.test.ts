// The replica in shared memory against the run that wrote it, with a reader in another thread that never rests: no entry
// is torn, and none is missed that the position read before speaks of, while tables grow, shrink and are swept, and while
// all of it is replaced by another of other names.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { Knowledge } from "../../src/revocation/replica/knowledge.ts";
import { Publication } from "../../src/revocation/shared/publication.ts";
import { Publications } from "../../src/revocation/shared/publications.ts";
import type { ReaderData } from "../support/shared-reader.ts";
import { idOfStep, keyNamed, stepsOf, type Step } from "../support/shared-run.ts";

const STEP_COUNT = 30_000;
const STEPS_PER_PAUSE = 50;
/** The reader must have looked so often for each step that is written. */
const LOOKS_PER_STEP = 2;

const at = (step: number) => ({ monotonicMs: step, wallMs: step });

function apply(known: Knowledge, step: number, { key, isLift }: Step): void {
  const marker = isLift
    ? undefined
    : { kind: "token" as const, value: JSON.stringify({ id: idOfStep(step) }), expiresAtMs: undefined };
  known.applyEntry(
    { key: keyNamed(key), seq: step, marker, epoch: "e", link: "", previousLink: "", isAwaited: false },
    false,
  );
}

/** What another relay tells after `upTo` steps. */
function retold(steps: readonly Step[], upTo: number): { publication: Publication; known: Knowledge } {
  const publication = new Publication();
  const known = publication.knowledge();
  const last = new Map(steps.slice(0, upTo + 1).map((step, i) => [step.key, [i, step] as const]));
  for (const [i, step] of last.values()) if (!step.isLift) apply(known, i, step);
  publication.publish({ position: at(upTo), changedAt: at(upTo), storeNowS: 0 });
  return { publication, known };
}

test.each([
  [1, Infinity],
  [2, Infinity],
  [3, 500],
])(
  "a reader finds every key as it stood, run %i, replaced as a whole every %d steps",
  async (seed, stepsPerSuccession) => {
    const publications = new Publications();
    let publication = publications.inForce;
    let known = publication.knowledge();
    const showing = publications.show();
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const data: ReaderData = { showing, seed, stepCount: STEP_COUNT, shared };
    const reader = new Worker(new URL("../support/shared-reader.ts", import.meta.url), {
      workerData: data,
      transferList: [showing.port],
    });
    const said = once(reader, "message");

    const steps = stepsOf(seed, STEP_COUNT);
    for (const [step, its] of steps.entries()) {
      if (step === 0) continue;
      publication.publish({ position: at(step - 1), changedAt: at(step), storeNowS: known.storeNowS });
      apply(known, step, its);
      publication.publish({ position: at(step), changedAt: at(step), storeNowS: known.storeNowS });
      known.expireSome();
      if (step % stepsPerSuccession === 0) {
        ({ publication, known } = retold(steps, step));
        publications.succeed(publication);
      }
      if (step % STEPS_PER_PAUSE === 0) await untilLooked(shared, step * LOOKS_PER_STEP);
    }
    Atomics.store(shared, 1, 1);
    expect(await said).toEqual(["as it must be"]);
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
