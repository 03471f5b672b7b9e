// Copies what nothing can be done with to a topic for people to look at, with why. It tries for a bounded time: no event
// of one sender's may hold up all that come after it.

import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../core/log.ts";
import type { KafkaObserver } from "../../core/observer.ts";
import type { Result } from "../../core/result.ts";
import type { IncomingRecord } from "./inlet.ts";
import { headersAsBytes, type OutgoingRecord } from "./outlet.ts";

export interface DeadLetterOptions {
  readonly topic: string;
  readonly send: (records: readonly OutgoingRecord[]) => Promise<Result<void, string>>;
  readonly log: Log;
  readonly observer: Pick<KafkaObserver, "deadLettered">;
}

/** Resolves with false where `signal` aborted before it was written or given up. */
export type KeepDeadLetter = (record: IncomingRecord, result: string, signal: AbortSignal) => Promise<boolean>;

const MAX_TRIES = 6;
const RETRY_AFTER_MS = 1_000;

export function createDeadLetters({ topic, send, log, observer }: DeadLetterOptions): KeepDeadLetter {
  return async (record, result, signal) => {
    const from = { topic: record.topic, partition: record.partition, offset: String(record.offset) };
    const told = headersAsBytes({
      "portcullis-result": result,
      "portcullis-topic": from.topic,
      "portcullis-partition": String(from.partition),
      "portcullis-offset": from.offset,
    });
    const { key, value } = record;
    const copy = { topic, key, value, headers: new Map([...record.headers, ...told]) };
    let why = "";
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const sent = await send([copy]);
      if (sent.ok) {
        observer.deadLettered("written");
        return true;
      }
      why = sent.error;
      await delay(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
    }
    observer.deadLettered("failed");
    log.error("kafka_dead_letter_not_written", { ...from, result, why });
    return true;
  };
}
