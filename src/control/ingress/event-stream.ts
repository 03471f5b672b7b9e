// Follows one transmitter's stream of security events by polling (RFC 8936). An event is acknowledged only once what it
// asks for is durable; one that cannot be judged now is neither acknowledged nor refused, and comes again. Several
// control planes may follow the same stream: each event acts once (once.ts).

import { backOffMs } from "../../core/back-off.ts";
import { err, type Result } from "../../core/result.ts";
import type { Room } from "../api/room.ts";
import { pollEvents, type Acknowledgement, type Polled, type PollOptions } from "./event-poll.ts";
import type { Following } from "./following.ts";
import { actOnEvent, verifyEvent, type EventFault, type SecurityEvents } from "./security-event.ts";

export interface EventStreamOptions {
  /** Name of the transmitter. */
  readonly transmitter: string;
  /** Of this transmitter alone. */
  readonly events: SecurityEvents;
  readonly poll: PollOptions;
  /** Between the beginnings of two polls that find nothing new. */
  readonly everyMs: number;
}

const NOTHING: Acknowledgement = { ack: [], setErrs: {} };
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
/** A transmitter may ask for more patience than ours, but not for ever. */
const LONGEST_ASKED_MS = 15 * 60_000;
/** Enough to keep the store busy; more would only queue there. */
const AT_ONCE = 8;

/** Stopped, it ends the poll under way; what was taken and not yet acknowledged comes again, and does nothing anew. */
export function createEventStream(options: EventStreamOptions): Following {
  const { transmitter, poll, everyMs } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let following: Promise<void> = Promise.resolve();

  async function follow(room: Room): Promise<void> {
    const nowMs = (): number => room.clock.now().monotonicMs;
    let owed = NOTHING;
    let failureCount = 0;
    while (!signal.aborted) {
      const beganMs = nowMs();
      const polled = await pollEvents(poll, owed, signal);
      if (signal.aborted) return;
      if (!polled.ok) {
        const { retryAfterMs, why } = polled.error;
        if (failureCount === 0) room.log.warn("event_stream_not_polled", { transmitter, why });
        failureCount += 1;
        await pause(Math.max(pauseAfter(failureCount), Math.min(retryAfterMs, LONGEST_ASKED_MS)), signal);
        continue; // what is owed is owed still
      }
      const taken = await takeAll(room, options, polled.value);
      const isNews = [...polled.value.keys()].some((jti) => !isOwed(owed, jti));
      owed = taken.owed;
      if (taken.isComplete && failureCount > 0) room.log.info("event_stream_polled_again", { transmitter });
      failureCount = taken.isComplete ? 0 : failureCount + 1;
      if (!taken.isComplete) await pause(pauseAfter(failureCount), signal);
      else if (!isNews) await pause(beganMs + everyMs - nowMs(), signal);
    }
  }

  return {
    start(room) {
      following = follow(room).catch((error: unknown) => {
        room.log.error("event_stream_failed", { transmitter, error: String(error) });
      });
    },
    async stop() {
      stopping.abort();
      await following;
    },
  };
}

interface Taken {
  readonly owed: Acknowledgement;
  /** False: some could not be judged now. */
  readonly isComplete: boolean;
}

async function takeAll(room: Room, options: EventStreamOptions, sets: Polled): Promise<Taken> {
  const ack: string[] = [];
  const refused: [string, Acknowledgement["setErrs"][string]][] = [];
  const left = [...sets];
  let isComplete = true;
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [jti, token] = next;
      const taken = await take(room, options, jti, token);
      if (taken.ok) ack.push(jti);
      else if (taken.error.kind === "again") isComplete = false;
      else refused.push([jti, { err: taken.error.err, description: taken.error.description }]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { owed: { ack, setErrs: Object.fromEntries(refused) }, isComplete };
}

async function take(
  room: Room,
  { events, transmitter }: EventStreamOptions,
  jti: string,
  token: string,
): Promise<Result<void, EventFault>> {
  const verified = await verifyEvent(room, events, Buffer.from(token), transmitter);
  if (!verified.ok) return verified;
  if (verified.value.content.tokenId !== jti) return err(OTHER_JTI);
  return actOnEvent(room, events, verified.value);
}

/** What is acknowledged by the member's name would be another event than the one acted on. */
const OTHER_JTI: EventFault = {
  kind: "refused",
  err: "invalid_request",
  description: "The token's jti is not the name of its member.",
};

function isOwed({ ack, setErrs }: Acknowledgement, jti: string): boolean {
  return ack.includes(jti) || Object.hasOwn(setErrs, jti);
}

function pauseAfter(failureCount: number): number {
  return backOffMs(failureCount, FIRST_RETRY_MS, LONGEST_RETRY_MS);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!(ms > 0) || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
