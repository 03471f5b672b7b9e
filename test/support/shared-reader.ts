// A thread that does nothing but look keys up in a shared replica while another writes it, and holds each answer against
// what the run says: it must be how the key stood at some step from the one the position named before the look-up to
// the one after the step it names afterwards.

import { parentPort, workerData } from "node:worker_threads";
import type { RevocationSubject } from "../../src/revocation/subject.ts";
import type { Showing } from "../../src/revocation/shared/publications.ts";
import { createSights } from "../../src/revocation/shared/sights.ts";
import { createRandom } from "./random.ts";
import { idOfStep, KEY_COUNT, keyNamed, stepsOf } from "./shared-run.ts";

export interface ReaderData {
  readonly showing: Showing;
  readonly seed: number;
  readonly stepCount: number;
  /** [0] how often it looked; [1] not 0 once it shall end. */
  readonly shared: Int32Array;
}

const { showing, seed, stepCount, shared } = workerData as ReaderData;
const steps = stepsOf(seed, stepCount);
/** Of each key the steps that meant it, in order. */
const history: number[][] = Array.from({ length: KEY_COUNT }, () => []);
for (const [step, { key }] of steps.entries()) if (step > 0) history[key]?.push(step);

const subjects = Array.from({ length: KEY_COUNT }, (_, key): RevocationSubject => ({
  keys: [keyNamed(key)],
  kinds: ["token"],
  issuedAtS: 0,
  forgetAtWallMs: Infinity,
  identity: "",
  memory: { lastActiveAsOf: undefined },
  fingerprints: undefined,
}));
const sight = createSights(showing);
const random = createRandom(seed + 1);

/** Ids the key may be found with: of the last step up to `from`, and of those up to `to`; undefined: lifted, or not yet. */
function possibleIds(key: number, from: number, to: number): readonly (string | undefined)[] {
  const its = history[key] ?? [];
  const before = its.findLast((step) => step <= from);
  const during = its.filter((step) => step > from && step <= to);
  return [before, ...during].map((step) =>
    step === undefined || steps[step]?.isLift === true ? undefined : idOfStep(step),
  );
}

function look(): string | undefined {
  const from = sight.position?.monotonicMs ?? 0;
  // By turns what was just written, what is about to be, and anything.
  const key = random.chance(0.5)
    ? (steps[Math.min(from + random.integer(3), stepCount)]?.key ?? 0)
    : random.integer(KEY_COUNT);
  const judgement = sight.judge(subjects[key] as RevocationSubject);
  const to = (sight.position?.monotonicMs ?? 0) + 1;
  const changedAt = sight.changedAt.monotonicMs;
  const possible = possibleIds(key, from, to);
  const said = `key ${key} from step ${from} to ${to}: ${JSON.stringify(judgement)}, possible ${JSON.stringify(possible)}`;
  if (judgement.state === "unreadable") return said;
  if (judgement.state === "active") return possible.includes(undefined) ? undefined : said;
  const { revocationId } = judgement.by;
  // Its id is another look at the same key, and it may have been lifted in between.
  if (!possible.some((id) => id !== undefined) || !possible.includes(revocationId)) return said;
  const step = Number.parseInt(revocationId?.slice(0, 8) ?? "0", 16);
  return changedAt >= step ? undefined : `${said}, though nothing changed since ${changedAt}`;
}

let fault: string | undefined;
while (fault === undefined && Atomics.load(shared, 1) === 0) {
  fault = look();
  Atomics.add(shared, 0, 1);
}
Atomics.store(shared, 0, 2_147_483_647); // nobody waits for it any more
parentPort?.postMessage(fault ?? "as it must be");
