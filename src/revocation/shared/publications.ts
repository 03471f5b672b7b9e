// Which publication other threads read: one until another takes its place as a whole. Each reader is told where the next
// one lies before it is in force, so that none goes on with the last for longer than the look it is at.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Publication, type Sighting } from "./publication.ts";

/** Posted to a reader: the publication of this number is here, and what becomes of its tables is told by `port`. */
export interface Succeeding {
  readonly number: number;
  readonly sighting: Sighting;
  readonly port: MessagePort;
}

/** With what a reader begins. It can be posted to another thread, `port` by its transfer. */
export interface Showing {
  /** One word: the number of the publication that is in force. */
  readonly number: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** The number of the first: a reader has none at its beginning. */
const FIRST = 1;

export class Publications {
  readonly #number = new Int32Array(new SharedArrayBuffer(4));
  readonly #readers = new Set<MessagePort>();
  #inForce = new Publication();

  constructor() {
    Atomics.store(this.#number, 0, FIRST);
  }

  get inForce(): Publication {
    return this.#inForce;
  }

  /** For one reader more. From here on it misses nothing. */
  show(): Showing {
    const { port1, port2 } = new MessageChannel();
    this.#readers.add(port1);
    tell(port1, this.#inForce, Atomics.load(this.#number, 0));
    return { number: this.#number.buffer, port: port2 };
  }

  /** Everybody who looks from now on looks at `next`, which must know all that the one in force does, and say so. */
  succeed(next: Publication): void {
    const number = Atomics.load(this.#number, 0) + 1;
    for (const reader of this.#readers) tell(reader, next, number);
    this.#inForce = next;
    Atomics.store(this.#number, 0, number);
  }
}

function tell(reader: MessagePort, publication: Publication, number: number): void {
  const { port1, port2 } = new MessageChannel();
  const message: Succeeding = { number, sighting: publication.show(port1), port: port2 };
  reader.postMessage(message, [port2]);
}
