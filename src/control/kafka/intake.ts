// Does what one event from Kafka asks for, once, and says what came of it. The same event again changes nothing: its
// sender, source and id are remembered in the store, as an Idempotency-Key is.

import type { KafkaResult } from "../../core/observer.ts";
import type { Room } from "../api/room.ts";
import type { RevokeBody } from "../asked.ts";
import { KEEP_ANSWER_MS } from "../idempotency.ts";
import { newRevocation } from "../new-revocation.ts";
import { isPendingAnswer } from "../pending.ts";
import { statusOf } from "../problem.ts";
import { revoke } from "../revoke.ts";
import { askedBy, type Addressed, type AskedByEvent } from "./asked-by-event.ts";
import { readEvent, type CloudEvent, type RecordContent } from "./cloud-event.ts";
import { revokerOf } from "./published-event.ts";

/** What came of an event, and for people why; "again": nothing yet, for it could not be done now. */
export interface Outcome {
  readonly result: KafkaResult | "again";
  readonly why: string;
}

/** Never rejects but for a bug. */
export type TakeIn = (topic: string, content: RecordContent) => Promise<Outcome>;

export function createIntake(room: Room, addressed: Addressed): TakeIn {
  /** Events at work here: one that came twice at once waits for itself. */
  const atWork = new Set<string>();

  async function revokeAsked({ sender, body }: AskedByEvent, { source, id }: CloudEvent): Promise<Outcome> {
    const key = JSON.stringify([source, id]);
    if (atWork.has(key)) return { result: "again", why: "the same event is being worked on" };
    atWork.add(key);
    try {
      return await revokeFor(room, sender.id, body, key);
    } finally {
      atWork.delete(key);
    }
  }

  return async (topic, content) => {
    const event = readEvent(content);
    if (!event.ok) return { result: "malformed", why: event.error };
    const nowMs = room.clock.now().wallMs;
    const asked = askedBy(event.value, topic, addressed, nowMs);
    if (!asked.ok) return asked.error;
    if (isOutdated(room, asked.value, nowMs)) return { result: "outdated", why: "all that it revokes has expired" };
    return revokeAsked(asked.value, event.value);
  };
}

async function revokeFor(room: Room, senderId: string, body: RevokeBody, key: string): Promise<Outcome> {
  let isNew = false;
  const done = await revoke(room, {
    caller: { name: revokerOf(senderId), scopes: ["portcullis:admin"] }, // of which askedBy leaves it its kinds
    body,
    // A group gives a record to one member; where two have it after all, the second only strengthens.
    once: { key, after: [], keepMs: KEEP_ANSWER_MS, takesOver: true },
    alone: "waits",
    answer() {
      isNew = true;
      return "done";
    },
  });
  if (done.ok) {
    if (isPendingAnswer(done.value)) return { result: "pending", why: "waits for a second person" };
    return { result: isNew ? "revoked" : "repeated", why: "" };
  }
  const { code, detail = "" } = done.error;
  const isForNow = code === "too_many_requests" || statusOf(done.error) >= 503;
  return { result: isForNow ? "again" : "refused", why: `${code}: ${detail}` };
}

/**
 * An event that is read again a day after it happened is forgotten by then, and what it revoked may be lifted: where no
 * token that it meant lives any more, it is passed over. A revocation without an end never is.
 */
function isOutdated(room: Room, { body, happenedAtMs }: AskedByEvent, nowMs: number): boolean {
  if (happenedAtMs + KEEP_ANSWER_MS > nowMs) return false;
  const then = newRevocation(body, room.issuers, { id: "", by: "", nowMs: happenedAtMs });
  return then.ok && then.value.expiresAtMs !== undefined && then.value.expiresAtMs < nowMs;
}
