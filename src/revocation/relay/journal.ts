// What changed in a relay's replica, in frames that are made once for all who follow. The last of them are kept, by
// bytes, for who is a little behind; whoever is further behind is told everything anew. It sends nothing.

import { RECORD_WORDS } from "../replica/record.ts";
import { frameOf, type Reached } from "./messages.ts";

export interface JournalOptions {
  readonly maxBytes: number;
  /** Called when the first change since the last flush came: a flush is due. */
  readonly onPending: () => void;
}

/** Of changes in one frame: 20 KB, and less than half a millisecond for who applies it. */
const MAX_RECORDS_PER_FRAME = 500;

export class Journal {
  readonly #options: JournalOptions;
  readonly #frames: (Buffer | string)[] = [];
  #first = 1;
  #bytes = 0;
  #pending: Int32Array[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** The number of the oldest frame kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next frame will have. */
  get next(): number {
    return this.#first + this.#frames.length;
  }

  /** `number` is one of those kept. */
  frame(number: number): Buffer | string {
    return this.#frames[number - this.#first] as Buffer | string;
  }

  add(record: Int32Array): void {
    this.#pending.push(record);
    if (this.#pending.length === 1) this.#options.onPending();
    if (this.#pending.length >= MAX_RECORDS_PER_FRAME) this.flush();
  }

  reached(heeded: Reached["heeded"]): void {
    this.flush();
    const message: Reached = { type: "reached", number: this.next, heeded };
    this.#keep(JSON.stringify(message));
  }

  /** What was added stands in a frame from here on. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const records = new Int32Array(this.#pending.length * RECORD_WORDS);
    for (const [i, record] of this.#pending.entries()) records.set(record, i * RECORD_WORDS);
    this.#pending = [];
    this.#keep(frameOf({ type: "changes", number: this.next, records }));
  }

  #keep(frame: Buffer | string): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    let dropCount = 0;
    while (this.#bytes > this.#options.maxBytes && dropCount < this.#frames.length - 1) {
      this.#bytes -= (this.#frames[dropCount] as Buffer | string).length;
      dropCount += 1;
    }
    if (dropCount === 0) return;
    this.#frames.splice(0, dropCount);
    this.#first += dropCount;
  }
}
