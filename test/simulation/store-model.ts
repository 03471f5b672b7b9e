// The store of the simulated world and the wire to it: a model of what a real one may do to a question.

import type { UnknownCause } from "../../src/core/evidence.ts";
import { err, ok, type Result } from "../../src/core/result.ts";
import type { MarkerReader, StoreFault } from "../../src/revocation/store.ts";
import type { FeedModel } from "./feed-model.ts";
import type { World } from "./world.ts";

type Answer = Result<readonly (string | null)[], StoreFault>;

/** How the store treats questions now. `lossProbability` is of each answer. */
export type StoreMode =
  | { readonly kind: "up"; readonly delayMs: number; readonly lossProbability: number }
  | { readonly kind: "refusing"; readonly cause: UnknownCause }
  | { readonly kind: "silent" };

export interface StoreModel {
  readonly values: Map<string, string>;
  mode: StoreMode;
  readonly feed: FeedModel;
}

/** One process's connection to the store. */
export interface Wire extends MarkerReader {
  /** True time at which the question of the newest delivered answer was written; -Infinity: none yet. */
  readonly lastAnsweredQuestionMs: number;
}

export function openWire(world: World, store: StoreModel): Wire {
  const { random } = world;
  let lastAnsweredQuestionMs = -Infinity;

  function ask(keys: readonly string[], timeoutMs: number, resolve: (answer: Answer) => void): void {
    const writtenAtMs = world.trueMs();
    let settled = false;
    const settle = (answer: Answer): void => {
      if (settled) return;
      settled = true;
      if (answer.ok) lastAnsweredQuestionMs = Math.max(lastAnsweredQuestionMs, writtenAtMs);
      resolve(answer);
    };
    // As the real reader does: an answer that lies in the socket when the timer fires gets its turn first.
    world.inside(timeoutMs, "timer", () => world.inside(1, "turn", () => settle(fault("timeout"))));
    const outwardMs = random.between(0, store.mode.kind === "up" ? store.mode.delayMs : 1);
    world.outside(outwardMs, () => arrive(keys, settle));
  }

  function arrive(keys: readonly string[], settle: (answer: Answer) => void): void {
    const { mode } = store;
    if (mode.kind === "silent") return;
    if (mode.kind === "refusing") return world.inside(random.between(0, 1), "socket", () => settle(fault(mode.cause)));
    if (random.chance(mode.lossProbability)) return;
    const values = keys.map((key) => store.values.get(key) ?? null);
    world.inside(random.between(0, mode.delayMs), "socket", () => settle(ok(values)));
  }

  return {
    get lastAnsweredQuestionMs() {
      return lastAnsweredQuestionMs;
    },
    read: (keys, timeoutMs) => new Promise((resolve) => ask(keys, timeoutMs, resolve)),
  };
}

function fault(cause: UnknownCause): Answer {
  return err({ cause, detail: "simulated" });
}
