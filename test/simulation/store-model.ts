// The store of the simulated world and the wire to it: a model of what a real one may do to a question.

import type { UnknownCause } from "../../src/core/evidence.ts";
import { err, ok, type Result } from "../../src/core/result.ts";
import type { MarkerReader, StoreFault } from "../../src/revocation/store.ts";
import type { Vouching } from "../../src/revocation/redis/vouching.ts";
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
  /** Whose answers they are: another after each failover. */
  server: string;
  /** Another after each time that the store was out of reach. */
  connection: number;
  /** The server that a control plane last found to hold everything; null: none ever ran. */
  vouchedFor: string | null;
  /** True time until which a control plane's sign is to be seen. */
  signedUntilMs: number;
  readonly feed: FeedModel;
}

/** One process's connection to the store. */
export interface Wire extends MarkerReader {
  /** True time at which the question of the newest delivered answer was written; -Infinity: none yet. */
  readonly lastAnsweredQuestionMs: number;
}

/** Looks at the store as an answer is made there, and judges what it said when it arrives, as the real readers do. */
export type Witness = () => () => Result<void, StoreFault>;

/** Call when a question is written. */
export type BeginQuestion = () => Witness;

export function openJudgement(world: World, store: StoreModel, vouching: Vouching): BeginQuestion {
  let met = "";
  return () => {
    const askedAtMs = world.clock.now().monotonicMs;
    return () => {
      const { server, connection, vouchedFor } = store;
      const keeper = world.trueMs() < store.signedUntilMs ? "1" : null;
      return () => {
        // An answer of a connection that has ended is nobody's.
        if (connection !== store.connection || server !== store.server) return fault("connection_lost");
        const name = `${server} ${connection}`;
        if (name !== met) vouching.meet(server);
        met = name;
        const nowMs = world.clock.now().monotonicMs;
        return vouching.isWhole(vouchedFor, keeper, askedAtMs, nowMs) ? ok(undefined) : fault("store_lost");
      };
    };
  };
}

export function openWire(world: World, store: StoreModel, beginQuestion: BeginQuestion): Wire {
  const { random } = world;
  let lastAnsweredQuestionMs = -Infinity;

  function ask(keys: readonly string[], timeoutMs: number, resolve: (answer: Answer) => void): void {
    const writtenAtMs = world.trueMs();
    const witness = beginQuestion();
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
    world.outside(outwardMs, () => arrive(keys, witness, settle));
  }

  function arrive(keys: readonly string[], witness: Witness, settle: (answer: Answer) => void): void {
    const { mode } = store;
    if (mode.kind === "silent") return;
    if (mode.kind === "refusing") return world.inside(random.between(0, 1), "socket", () => settle(fault(mode.cause)));
    if (random.chance(mode.lossProbability)) return;
    const values = keys.map((key) => store.values.get(key) ?? null);
    const judge = witness();
    world.inside(random.between(0, mode.delayMs), "socket", () => {
      const judged = judge();
      settle(judged.ok ? ok(values) : judged);
    });
  }

  return {
    get lastAnsweredQuestionMs() {
      return lastAnsweredQuestionMs;
    },
    read: (keys, timeoutMs) => new Promise((resolve) => ask(keys, timeoutMs, resolve)),
  };
}

function fault(cause: UnknownCause): { readonly ok: false; readonly error: StoreFault } {
  return err({ cause, detail: "simulated" });
}
