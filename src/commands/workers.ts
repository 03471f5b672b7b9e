// The workers of a sidecar as one: started together, asked together, drained together. One that fails is no worker less:
// the process ends, as it does where there is one thread, and whoever started it starts it again (ADR 26).

import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { formatAddress } from "../config/address.ts";
import type { Log } from "../core/log.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { Publications } from "../revocation/shared/publications.ts";
import { createSubjectKey } from "../telemetry/decision-log.ts";
import type { LogOutput } from "../telemetry/log-output.ts";
import type { Samples } from "../telemetry/joint-samples.ts";
import type { FleetAnswer, FleetQuestion } from "../revocation/preview/question.ts";
import type { TakenReading } from "../token/key-source.ts";
import type { AnswerTo, Pulse, Question, ToWorker, WorkerStart } from "./worker-messages.ts";
import { WorkerThread } from "./worker-thread.ts";

export interface WorkersOptions {
  readonly config: Config;
  readonly program: URL;
  /** undefined: there is no replica. */
  readonly publications: Publications | undefined;
  readonly log: Log;
  readonly output: Pick<LogOutput, "write">;
  readonly refetch: (name: string, kid: string, done: (wasRead: boolean) => void) => void;
  /** All that was read so far, for workers that begin. */
  readonly readings: () => Iterable<readonly [string, TakenReading]>;
  /** Called before they drain. */
  readonly onDrain: () => void;
  /** One is gone that nobody ended: called once. */
  readonly failed: () => void;
}

export interface Workers {
  /** Starting it starts them, and stopping it drains them. */
  readonly part: Part;
  readonly count: number;
  readonly hasFailed: () => boolean;
  /** Of those that have told how they are. */
  pulses(): readonly Pulse[];
  tell(message: ToWorker): void;
  samples(): Promise<readonly Samples[]>;
  /** Whether all have come to a new turn since, within `withinMs`: each then judges by what the replica knew when asked. */
  haveTurned(withinMs: number): Promise<boolean>;
  answersTo(questions: readonly FleetQuestion[]): Promise<readonly (readonly FleetAnswer[])[]>;
  /** All make what `config` asks for, or it rejects and none judges by it. */
  prepare(config: Config): Promise<void>;
  /** All judge by what was prepared. One that cannot is gone. */
  commit(): Promise<void>;
}

/** Modules are loaded, and on a busy machine that takes a while. */
const START_TIMEOUT_MS = 30_000;

/** Of what is done in one turn, or a few. */
const ANSWER_TIMEOUT_MS = 5_000;

/** Beyond the two times of a drain. */
const STOP_TIMEOUT_MS = 5_000;

export function createWorkers(options: WorkersOptions): Workers {
  return new ThreadPool(options);
}

class ThreadPool implements Workers {
  readonly #options: WorkersOptions;
  readonly count: number;
  readonly part: Part;
  #threads: readonly WorkerThread[] = [];
  #hasFailed = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { drain, workerCount } = options.config;
    this.count = workerCount;
    this.part = {
      name: "grpc",
      start: () => this.#start(),
      stop: () => this.#drain(),
      startTimeoutMs: START_TIMEOUT_MS + STOP_TIMEOUT_MS,
      stopTimeoutMs: drain.delayMs + drain.timeoutMs + 2 * STOP_TIMEOUT_MS,
    };
  }

  hasFailed = (): boolean => this.#hasFailed;

  pulses(): readonly Pulse[] {
    return this.#threads.flatMap(({ pulse }) => pulse ?? []);
  }

  tell(message: ToWorker): void {
    for (const thread of this.#threads) thread.post(message);
  }

  samples(): Promise<readonly Samples[]> {
    return this.#askAll({ type: "samples" });
  }

  async haveTurned(withinMs: number): Promise<boolean> {
    try {
      await this.#askAll({ type: "turn" }, withinMs);
      return true;
    } catch {
      return false; // one is stuck, or gone
    }
  }

  answersTo(questions: readonly FleetQuestion[]): Promise<readonly (readonly FleetAnswer[])[]> {
    return this.#askAll({ type: "questions", questions });
  }

  async prepare(config: Config): Promise<void> {
    await this.#askAll({ type: "prepare", config });
  }

  async commit(): Promise<void> {
    try {
      await this.#askAll({ type: "commit" });
    } catch (error) {
      // Some judge by another configuration than the others.
      this.#fail("a worker", `did not take the configuration: ${String(error)}`);
    }
  }

  async #start(): Promise<void> {
    const { config, log, readings } = this.#options;
    const common = { subjectKey: createSubjectKey(), timeOrigin: performance.timeOrigin };
    // A nonce that one worker gave out is shown to another.
    const nonceSecret = config.dpop.nonceSecret ?? randomBytes(32).toString("base64url");
    this.#threads = config.listen.grpc.map((address, index) => {
      const listen = { ...config.listen, grpc: [address] };
      return this.#open(index, {
        ...common,
        config: { ...config, listen, dpop: { ...config.dpop, nonceSecret } },
        showing: this.#options.publications?.show(),
      });
    });
    for (const [name, reading] of readings()) this.tell({ type: "keys", name, reading });
    try {
      const addresses = await this.#askAll({ type: "start" }, START_TIMEOUT_MS);
      log.info("listening", { part: "grpc", addresses: addresses.flat() });
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  #open(index: number, start: WorkerStart): WorkerThread {
    const { config, program, output, refetch } = this.#options;
    const thread: WorkerThread = new WorkerThread({
      program,
      start,
      refetch: (name, kid) => refetch(name, kid, (wasRead) => thread.post({ type: "refetched", name, wasRead })),
      lines: (lines) => output.write(lines),
      failed: (why) =>
        this.#fail(
          config.listen.grpc
            .slice(index, index + 1)
            .map(formatAddress)
            .join(),
          why,
        ),
    });
    return thread;
  }

  #fail(address: string, why: string): void {
    this.#options.log.error("worker_failed", { address, why });
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.failed();
  }

  async #drain(): Promise<void> {
    const { config, log, onDrain } = this.#options;
    onDrain();
    const withinMs = config.drain.delayMs + config.drain.timeoutMs + STOP_TIMEOUT_MS;
    // Those that live, however the others are.
    const outcomes = await Promise.allSettled(this.#threads.map((thread) => thread.ask({ type: "drain" }, withinMs)));
    const isFinished = outcomes.every((outcome) => outcome.status === "fulfilled" && outcome.value === "finished");
    log.info("drained", { outcome: isFinished ? "finished" : "cut_off" });
    await this.#end();
  }

  async #end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  #askAll<Q extends Question>(question: Q, withinMs = ANSWER_TIMEOUT_MS): Promise<readonly AnswerTo[Q["type"]][]> {
    return Promise.all(this.#threads.map((thread) => thread.ask(question, withinMs)));
  }
}
