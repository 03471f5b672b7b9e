// Answers the fleet's questions from the tokens that this sidecar has in memory. It walks them in small steps, so that
// no Check waits for it, and gives out salted hashes only.

import { createHash } from "node:crypto";
import { createDistinctCounter, HASH_BITS, type DistinctCounter } from "../../core/distinct-count.ts";
import type { TargetKind } from "../../core/target.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { RevocationSubject } from "../subject.ts";
import { RECENT_MS, type FleetAnswer, type FleetQuestion } from "./question.ts";

/** The tokens seen lately. */
export interface RecentTokens {
  /** The one seen last comes first. */
  readonly tokens: Iterable<RecentToken>;
  /** No token that was seen later is missing among them. On the monotonic clock, in ms. */
  readonly wholeSinceMs: number;
}

export interface RecentToken {
  readonly subject: RevocationSubject;
  /** On the monotonic clock, in ms. */
  readonly seenAtMs: number;
}

/** Some 0.5 ms where all of them came once, and are read again of their bytes. */
const TOKENS_PER_STEP = 25;

/** Resolves with the answer, some turns of the event loop later; `nowMs` is monotonic. */
export function answerQuestion(
  question: FleetQuestion,
  recent: RecentTokens,
  nowMs: number,
  schedule: Schedule,
): Promise<FleetAnswer> {
  const tally = createTally(question);
  const tokens = recent.tokens[Symbol.iterator]();
  return new Promise((resolve) => {
    const step = (): void => {
      for (let i = 0; i < TOKENS_PER_STEP; i += 1) {
        const next = tokens.next();
        if (next.done === true || nowMs - next.value.seenAtMs > RECENT_MS) {
          const backMs = Math.round(Math.min(RECENT_MS, Math.max(0, nowMs - recent.wholeSinceMs)));
          return resolve({ id: question.id, ...tally.kept(), backMs });
        }
        tally.add(next.value.subject);
      }
      schedule.immediate(step);
    };
    schedule.immediate(step);
  });
}

interface Tally {
  add(subject: RevocationSubject): void;
  kept(): Pick<FleetAnswer, "tokens" | "sessions" | "users">;
}

function createTally({ id, keys, issuedBeforeS = Infinity }: FleetQuestion): Tally {
  const asked = new Set(keys);
  const counters = {
    tokens: createDistinctCounter(),
    sessions: createDistinctCounter(),
    users: createDistinctCounter(),
  };
  const count = (counter: DistinctCounter, name: string | undefined): void => {
    if (name !== undefined) counter.add(saltedHash(id, name));
  };
  return {
    add(subject) {
      if (subject.issuedAtS >= issuedBeforeS || !subject.keys.some((key) => asked.has(key))) return;
      count(counters.tokens, subject.identity);
      count(counters.sessions, keyOf(subject, "session"));
      count(counters.users, keyOf(subject, "user"));
    },
    kept: () => ({
      tokens: counters.tokens.kept(),
      sessions: counters.sessions.kept(),
      users: counters.users.kept(),
    }),
  };
}

function keyOf({ kinds, keys }: RevocationSubject, kind: TargetKind): string | undefined {
  const at = kinds.indexOf(kind);
  return at === -1 ? undefined : keys[at];
}

function saltedHash(salt: string, name: string): number {
  return createHash("sha256")
    .update(`${salt}\n${name}`)
    .digest()
    .readUIntBE(0, HASH_BITS / 8);
}
