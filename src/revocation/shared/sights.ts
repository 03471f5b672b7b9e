// What the ladder sees of a replica that another thread keeps: of the publication that is in force when a look begins. A look
// that has begun ends where it began, so one key is never sought by the names that another relay gives.

import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { Instant } from "../../core/clock.ts";
import type { Judgement } from "../judge.ts";
import type { ReplicaView } from "../replica/view.ts";
import type { RevocationSubject } from "../subject.ts";
import type { Showing, Succeeding } from "./publications.ts";
import { createSight, waitForWriter, type Sight } from "./sight.ts";

export function createSights(showing: Showing): ReplicaView {
  return new SuccessiveSights(showing);
}

class SuccessiveSights implements ReplicaView {
  readonly #inForce: Int32Array;
  readonly #port: MessagePort;
  /** Of the publication that is seen. */
  #number = 0;
  #sight: Sight | undefined;

  constructor({ number, port }: Showing) {
    this.#inForce = new Int32Array(number);
    this.#port = port;
    // While nobody looks: a publication that was replaced must not be kept.
    port.on("message", (next: Succeeding) => this.#take(next));
    port.unref();
  }

  get position(): Instant | undefined {
    return this.#now().position;
  }

  get changedAt(): Instant {
    return this.#now().changedAt;
  }

  judge(subject: RevocationSubject): Judgement {
    return this.#now().judge(subject);
  }

  #now(): Sight {
    for (let tries = 0; ; tries += 1) {
      const inForce = Atomics.load(this.#inForce, 0);
      if (this.#sight !== undefined && this.#number >= inForce) return this.#sight;
      // It was posted before it was in force.
      const next: { readonly message: Succeeding } | undefined = receiveMessageOnPort(this.#port);
      if (next === undefined) waitForWriter(this.#inForce, inForce, tries);
      else this.#take(next.message);
    }
  }

  #take({ number, sighting, port }: Succeeding): void {
    this.#sight?.end();
    this.#sight = createSight(sighting, port);
    this.#number = number;
  }
}
