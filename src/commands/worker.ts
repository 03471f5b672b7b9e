// A worker: answers the Checks of one address in a thread of its own, with a store connection, a ladder and a memory of
// tokens of its own. The replica it reads, the keys it is told and whether it serves are the main thread's.

import type { MessagePort } from "node:worker_threads";
import { eventLoop } from "../resilience/schedule.ts";
import { createSights } from "../revocation/shared/sights.ts";
import { createHandedOutput, type HandedOutput } from "../telemetry/handed-output.ts";
import { createAnswering, type Answering } from "./answering.ts";
import { systemClock } from "./clock.ts";
import { createAnswers, type FleetAnswers } from "./fleet-answers.ts";
import { createIssuers } from "./issuers.ts";
import { raiseLadder, type Ladder } from "./ladder.ts";
import { openSidecarStore, type SidecarStore } from "./store.ts";
import { startTelemetry, type Telemetry } from "./telemetry.ts";
import { createToldSources, type ToldSources } from "./told-sources.ts";
import {
  PULSE_EVERY_MS,
  type AnswerTo,
  type FromWorker,
  type Pulse,
  type Question,
  type ToWorker,
  type WorkerStart,
} from "./worker-messages.ts";

interface Works {
  readonly start: WorkerStart;
  readonly output: HandedOutput;
  readonly telemetry: Telemetry;
  readonly store: SidecarStore;
  readonly ladder: Ladder;
  readonly told: ToldSources;
  readonly answering: Answering;
  readonly answers: FleetAnswers;
}

/** Works until the main thread ends it. Resolves once it listens to what it is told. */
export async function work(start: WorkerStart, port: MessagePort, version: string): Promise<void> {
  // Every instant that is handed over would mean another: one clock for all threads is what Node promises.
  if (performance.timeOrigin !== start.timeOrigin) throw new Error("the threads' monotonic clocks differ");
  const post = (message: FromWorker): void => port.postMessage(message);
  const output = createHandedOutput((lines) => post({ type: "lines", lines }));
  const { config, showing, subjectKey } = start;
  const telemetry = await startTelemetry(config, version, { output, subjectKey });
  const { log, observer } = telemetry;
  const store = openSidecarStore(config, log);
  const view = showing === undefined ? undefined : createSights(showing);
  const ladder = raiseLadder(config, store, observer, view);
  const told = createToldSources((name, kid) => post({ type: "refetch", name, kid }));
  const sources = createIssuers(observer, log, told);
  const answering = createAnswering(config, { ladder, sources, telemetry, beforeHealth: () => undefined });
  const answers = createAnswers({
    recent: () => answering.policy().recent(),
    clock: systemClock,
    schedule: eventLoop,
  });
  const works: Works = { start, output, telemetry, store, ladder, told, answering, answers };
  const ask = createDesk(works, () => post({ type: "pulse", pulse: pulseOf(works) }));
  port.on("message", (message: ToWorker) => hear(works, message, ask, post));
  setInterval(() => post({ type: "pulse", pulse: pulseOf(works) }), PULSE_EVERY_MS);
}

type Ask = (question: Question) => Promise<AnswerTo[keyof AnswerTo]>;

function hear(
  { told, answering, output }: Works,
  message: ToWorker,
  ask: Ask,
  post: (message: FromWorker) => void,
): void {
  switch (message.type) {
    case "ask": {
      const { id } = message;
      ask(message.question).then(
        (answer) => post({ type: "answer", id, answer }),
        (error: unknown) => post({ type: "fault", id, detail: error instanceof Error ? error.message : String(error) }),
      );
      return;
    }
    case "keys":
      return told.told(message.name, message.reading);
    case "refetched":
      return told.refetched(message.name, message.wasRead);
    case "serving":
      return answering.transport.setServing(message.isServing);
    case "taken":
      return output.taken(message.count);
  }
}

/** `pulse` tells how it is now: before an answer after which everybody expects that to be known. */
function createDesk(works: Works, pulse: () => void): Ask {
  const { answering, answers, store, telemetry } = works;
  let prepared: (() => Promise<void>) | undefined;
  return async (question) => {
    switch (question.type) {
      case "start":
        await store.start();
        return await answering.transport.start();
      case "samples":
        return await telemetry.scrape.samples();
      case "turn":
        return undefined;
      case "questions":
        await answers.find(question.questions);
        return answers.ready();
      case "prepare":
        prepared = await answering.prepare(question.config);
        return undefined;
      case "commit":
        await prepared?.();
        prepared = undefined;
        pulse();
        return undefined;
      case "drain":
        return await drain(works, pulse);
    }
  };
}

async function drain(
  { start, answering, ladder, output, store, telemetry }: Works,
  pulse: () => void,
): Promise<AnswerTo["drain"]> {
  const { delayMs, timeoutMs } = start.config.drain;
  const outcome = await answering.transport.drain(delayMs, timeoutMs);
  await answering.certificatesPart.stop();
  await answering.keysPart.stop();
  ladder.stop();
  await store.stop();
  pulse();
  await telemetry.stop();
  await output.flush();
  return outcome;
}

function pulseOf({ store, ladder, answering, telemetry: { observer } }: Works): Pulse {
  return {
    store: { type: store.type, ...store.health(), lastAnswerAt: ladder.lookUp.lastAnswerAt() },
    breaker: ladder.breakerState(),
    issuersWithKeys: answering
      .issuers()
      .filter(({ keys }) => keys.status().hasKeys)
      .map(({ id }) => id),
    decisions: observer.decisionRates(),
    totals: observer.decisionTotals(),
    observedDenials: observer.observedDenials(),
    inFlightCount: answering.policy().admission.inFlight,
  };
}
