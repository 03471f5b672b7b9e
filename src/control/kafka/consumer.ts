// Deals with one record after another until each is done with: waits for a store that is out, passes over what nothing
// can be done with, and tells of it. A record is done with once the store has what it asks for, or never will.

import { setTimeout as delay } from "node:timers/promises";
import { backOffMs } from "../../core/back-off.ts";
import type { KafkaObserver, KafkaResult } from "../../core/observer.ts";
import type { Room } from "../api/room.ts";
import type { Addressed } from "./asked-by-event.ts";
import type { KeepDeadLetter } from "./dead-letters.ts";
import type { IncomingRecord } from "./inlet.ts";
import { createIntake, type Outcome } from "./intake.ts";

export interface ConsumerOptions {
  readonly room: Room;
  readonly addressed: Addressed;
  /** Undefined: nobody wants them. */
  readonly keepDeadLetter: KeepDeadLetter | undefined;
  readonly observer: KafkaObserver;
}

export interface EventConsumer {
  /** False: `signal` aborted before it was done with. */
  readonly take: (record: IncomingRecord, signal: AbortSignal) => Promise<boolean>;
  /** Why what was read waits; undefined: it does not. */
  trouble(): string | undefined;
}

const RETRY_FROM_MS = 250;
const RETRY_UP_TO_MS = 2_000;
/** A bug met so often is no accident. */
const MAX_BUGS = 5;
/** Of each result: whoever floods the topic does not flood the log. */
const LOG_EVERY_MS = 1_000;

/** Nothing can be done with the event, today or tomorrow. */
const POISON: ReadonlySet<KafkaResult> = new Set(["malformed", "not_allowed", "refused", "failed"]);

export function createEventConsumer({ room, addressed, keepDeadLetter, observer }: ConsumerOptions): EventConsumer {
  const takeIn = createIntake(room, addressed);
  const waiting = new Map<IncomingRecord, string>();
  const logged = new Map<KafkaResult, { atMs: number; skippedCount: number }>();

  async function attempt(record: IncomingRecord, bugs: number): Promise<Outcome> {
    try {
      return await takeIn(record.topic, { value: record.value, headers: textOf(record.headers) });
    } catch (error) {
      room.log.error("kafka_event_failed", { error: String((error as Error).stack ?? error) });
      return { result: bugs < MAX_BUGS ? "again" : "failed", why: "a bug here met it" };
    }
  }

  async function untilDone(record: IncomingRecord, signal: AbortSignal): Promise<Outcome | undefined> {
    try {
      for (let tries = 1; ; tries += 1) {
        const outcome = await attempt(record, tries);
        if (outcome.result !== "again") return outcome;
        if (waiting.size === 0) room.log.warn("kafka_event_waits", { ...placeOf(record), why: outcome.why });
        waiting.set(record, outcome.why);
        const pauseMs = backOffMs(tries, RETRY_FROM_MS, RETRY_UP_TO_MS);
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return undefined;
      }
    } finally {
      waiting.delete(record);
    }
  }

  function tell(record: IncomingRecord, result: KafkaResult, why: string): void {
    const nowMs = room.clock.now().monotonicMs;
    const last = logged.get(result);
    if (last !== undefined && nowMs - last.atMs < LOG_EVERY_MS) {
      last.skippedCount += 1;
      return;
    }
    room.log.warn("kafka_event_passed_over", { ...placeOf(record), result, why, skippedCount: last?.skippedCount });
    logged.set(result, { atMs: nowMs, skippedCount: 0 });
  }

  return {
    async take(record, signal) {
      const outcome = await untilDone(record, signal);
      if (outcome === undefined || outcome.result === "again") return false;
      const { result, why } = outcome;
      const isPoison = POISON.has(result);
      if (isPoison || result === "outdated") tell(record, result, why);
      if (isPoison) {
        room.audit.refused({ actor: "kafka", action: "revoke_refused", target: undefined, reason: result });
        if (keepDeadLetter !== undefined && !(await keepDeadLetter(record, result, signal))) return false;
      }
      observer.consumed(result);
      return true;
    },
    trouble: () => waiting.values().next().value,
  };
}

function placeOf({ topic, partition, offset }: IncomingRecord): Readonly<Record<string, string | number>> {
  return { topic, partition, offset: String(offset) };
}

/** Names are case-insensitive nowhere in the binding, so they are taken as they are. */
function textOf(headers: ReadonlyMap<Buffer, Buffer>): ReadonlyMap<string, string> {
  return new Map([...headers].map(([name, value]) => [name.toString("utf8"), value?.toString("utf8") ?? ""]));
}
