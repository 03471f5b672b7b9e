// What the log keeps of a change, and how it is read back. It is told to people: no replica learns anything from it.

import type { Target } from "../core/target.ts";
import type { RevocationEvent } from "./event-log.ts";
import { markerFacts } from "./marker-facts.ts";
import { revocationOf } from "./marker.ts";

/** A revocation that is lifted at `atMs`, epoch milliseconds. */
export interface Lifted {
  readonly id: string;
  readonly target: Target;
  readonly reason: string;
  readonly atMs: number;
}

/** Another program's reason may be of any length; ours are shorter. */
const MAX_REASON_LENGTH = 1_024;

/** What stands in the place of a marker's value in the entry of a lift, and is read by the same rules. */
export function liftValue({ id, reason, atMs }: Lifted): string {
  return JSON.stringify({ v: 1, id, reason: reason.slice(0, MAX_REASON_LENGTH), at: atMs });
}

/** The change that an entry with this value tells of. */
export function eventOf(change: RevocationEvent["change"], target: Target, value: string): RevocationEvent {
  const { id, reason, by, atMs, issuedBeforeS } = revocationOf(markerFacts(value).id ?? "", target, value, undefined);
  return { change, id, target, reason, by, atMs, issuedBeforeS: change === "revoked" ? issuedBeforeS : undefined };
}
