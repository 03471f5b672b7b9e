// What every transport does alike: health, sockets and the order of a goodbye. How a connection is told is the
// transport's own.

import type { Health } from "./health.ts";
import type { Listeners } from "./listeners.ts";
import type { Transport } from "./transport.ts";

export interface TransportParts {
  readonly health: Health;
  readonly listeners: Listeners;
  /** Tells every connection that no new calls are taken (GOAWAY); each closes after its last call. */
  readonly sayGoodbye: (timeoutMs: number) => void;
  /** No connection is left. */
  readonly gone: () => void;
}

export function createTransport({ health, listeners, sayGoodbye, gone }: TransportParts): Transport {
  let isDraining = false;

  async function shutDown(timeoutMs: number): Promise<"finished" | "cut_off"> {
    health.endWatches();
    listeners.close();
    sayGoodbye(timeoutMs);
    let outcome: "finished" | "cut_off" = "finished";
    const timer = setTimeout(() => {
      outcome = "cut_off";
      listeners.destroyConnections();
    }, timeoutMs);
    await listeners.emptied();
    clearTimeout(timer);
    gone();
    return outcome;
  }

  return {
    start: () => listeners.open(),
    renewTls: (material) => listeners.renewTls(material),
    setServing(serving) {
      if (!isDraining) health.setServing(serving);
    },
    async drain(delayMs, timeoutMs) {
      isDraining = true;
      health.setServing(false);
      await elapsed(delayMs);
      return shutDown(timeoutMs);
    },
    async stop() {
      await shutDown(0);
    },
  };
}

function elapsed(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
