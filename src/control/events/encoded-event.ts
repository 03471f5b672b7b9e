// How an event is written for whoever follows: encoded once, sent to all.

import type { TargetKind } from "../../core/target.ts";
import type { LoggedEvent } from "../../revocation/event-log.ts";

export interface EncodedEvent {
  readonly seq: number;
  /** A WebSocket message, and the data of a server-sent event. */
  readonly json: Buffer;
  /** A whole server-sent event, its empty line included. */
  readonly sse: Buffer;
}

/** Why a follower missed something: it was forgotten meanwhile, or the log is not the one it was. */
export type ResetCause = "forgotten" | "replaced";

const TYPE_OF_KIND: Readonly<Record<TargetKind, string>> = {
  token: "TOKEN_REVOKED",
  session: "SESSION_REVOKED",
  key: "KEY_REVOKED",
  user: "USER_REVOKED_AFTER_UPDATED",
  tenant: "TENANT_REVOKED_AFTER_UPDATED",
  client: "CLIENT_REVOKED_AFTER_UPDATED",
  issuer: "ISSUER_REVOKED_AFTER_UPDATED",
  everything: "EVERYTHING_REVOKED_AFTER_UPDATED",
};
const LIFTED = "REVOCATION_LIFTED";
const RESET = "RESET";

/** Every `type` there is. */
export const EVENT_TYPES: readonly string[] = [...Object.values(TYPE_OF_KIND), LIFTED, RESET];

export function encodedEvent({ seq, event }: LoggedEvent): EncodedEvent {
  const type = event.change === "revoked" ? TYPE_OF_KIND[event.target.kind] : LIFTED;
  const { id, target, reason, atMs: at, issuedBeforeS: issued_before } = event;
  return encoded("", seq, { type, id, seq, at, target, reason, issued_before });
}

/** What a follower is told that has missed something: it goes on after `seq`, and has to read the list anew. */
export function encodedReset(seq: number, why: ResetCause): EncodedEvent {
  return encoded("event: reset\n", seq, { type: RESET, seq, why });
}

/** JSON has no line break in it, so the data is one line. */
function encoded(name: string, seq: number, content: object): EncodedEvent {
  const json = JSON.stringify(content);
  return { seq, json: Buffer.from(json), sse: Buffer.from(`${name}id: ${seq}\ndata: ${json}\n\n`) };
}
