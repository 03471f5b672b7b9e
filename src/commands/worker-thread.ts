// One worker as the main thread has it: a thread, the questions it has been asked, and whether it lives. It decides
// nothing about the process: who made it is told that it failed, once.

import { Worker, type MessagePort } from "node:worker_threads";
import {
  PULSE_EVERY_MS,
  type AnswerTo,
  type FromWorker,
  type Pulse,
  type Question,
  type ToWorker,
  type WorkerStart,
} from "./worker-messages.ts";

/** Counted in turns of this thread, so that a process that was paused has not missed what it could not hear. */
const MAX_MISSED_PULSES = 100;

export interface WorkerThreadOptions {
  /** What the process runs: it knows that it is in a worker. */
  readonly program: URL;
  readonly start: WorkerStart;
  readonly refetch: (name: string, kid: string) => void;
  readonly lines: (lines: string) => void;
  /** It ended, or is stuck, without having been told to. */
  readonly failed: (why: string) => void;
  /** MAX_MISSED_PULSES unless a test says otherwise. */
  readonly maxMissedPulses?: number;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class WorkerThread {
  readonly #options: WorkerThreadOptions;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #watch: NodeJS.Timeout;
  #lastId = 0;
  #missedPulses = 0;
  #isEnded = false;
  /** undefined: none yet. */
  pulse: Pulse | undefined;

  constructor(options: WorkerThreadOptions) {
    this.#options = options;
    const { program, start } = options;
    const transferList: MessagePort[] = start.showing === undefined ? [] : [start.showing.port];
    this.#worker = new Worker(program, { workerData: start, transferList });
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) =>
      this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    this.#worker.on("exit", () => this.#fail("it ended"));
    this.#watch = setInterval(() => this.#look(), PULSE_EVERY_MS);
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Rejects where it does not answer in time, cannot do it, or is gone. */
  ask<Q extends Question>(question: Q, withinMs: number): Promise<AnswerTo[Q["type"]]> {
    if (this.#isEnded) return Promise.reject(new Error("the worker is gone"));
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`the worker did not answer within ${withinMs} ms`));
      }, withinMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.post({ type: "ask", id, question });
    });
  }

  /** Ends the thread where it stands. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearInterval(this.#watch);
    await this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "answer":
        return this.#take(message.id)?.resolve(message.answer as never);
      case "fault":
        return this.#take(message.id)?.reject(new Error(message.detail));
      case "pulse":
        this.pulse = message.pulse;
        this.#missedPulses = 0;
        return;
      case "refetch":
        return this.#options.refetch(message.name, message.kid);
      case "lines":
        this.#options.lines(message.lines);
        return this.post({ type: "taken", count: message.lines.length });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #look(): void {
    if (this.pulse !== undefined) this.#missedPulses += 1; // before the first it starts, which has a deadline of its own
    if (this.#missedPulses > (this.#options.maxMissedPulses ?? MAX_MISSED_PULSES))
      this.#fail("it says nothing any more");
  }

  #fail(why: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#watch);
    for (const id of this.#waiting.keys()) this.#take(id)?.reject(new Error("the worker is gone"));
    this.#options.failed(why);
  }
}
