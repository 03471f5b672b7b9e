// What is published of one entry of the log: a CloudEvent, the same whoever publishes it and however often.

import type { LoggedEvent } from "../../revocation/event-log.ts";
import { markerKey } from "../../revocation/keys.ts";
import type { FeedHead } from "../../revocation/replica/source.ts";
import { encodedEvent, encodedReset, type ResetCause } from "../events/encoded-event.ts";
import { headersOf } from "./cloud-event.ts";

export interface PublishedRecord {
  /** Equal for all events of one target: a partition has them in order. */
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
}

export interface Publication {
  readonly source: string;
  readonly audience: string | undefined;
}

/** The types of events. */
export const REVOKED = "portcullis.revoked.v1";
const LIFTED = "portcullis.lifted.v1";
const RESET = "portcullis.reset.v1";

/** No caller of the control API has a name that begins so: an issuer's id and a token's name have no colon. */
const FROM_KAFKA = "kafka:";

/** As whom a sender's events revoke. */
export function revokerOf(senderId: string): string {
  return `${FROM_KAFKA}${senderId}`;
}

/** A revocation that came by Kafka was published where it came from: told again, it would go round for ever. */
export function isPublished({ event }: LoggedEvent): boolean {
  return !event.by.startsWith(FROM_KAFKA);
}

/** Its id is the entry's link, which no other entry of any history has. */
export function recordOf(entry: LoggedEvent, { source, audience }: Publication): PublishedRecord {
  const { change, target, atMs } = entry.event;
  return {
    key: markerKey("", target),
    value: encodedEvent(entry).json,
    headers: headersOf({
      id: entry.link,
      source,
      type: change === "revoked" ? REVOKED : LIFTED,
      time: new Date(atMs).toISOString(),
      audience,
    }),
  };
}

/** Tells that entries after `from` were missed; those after `to` follow. */
export function resetOf(
  from: FeedHead,
  to: FeedHead,
  why: ResetCause,
  nowMs: number,
  { source, audience }: Publication,
): PublishedRecord {
  const id = `reset:${from.link}:${to.link}`;
  const time = new Date(nowMs).toISOString();
  return {
    key: RESET,
    value: encodedReset(to.seq, why).json,
    headers: headersOf({ id, source, type: RESET, time, audience }),
  };
}
