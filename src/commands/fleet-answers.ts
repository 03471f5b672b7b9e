// Keeps a sidecar's answers to the fleet's questions until every control plane has surely heard them.

import type { Clock } from "../core/clock.ts";
import type { Schedule } from "../resilience/schedule.ts";
import { answerQuestion, type RecentTokens } from "../revocation/preview/answering.ts";
import { MAX_OPEN_QUESTIONS, type FleetAnswer, type FleetQuestion } from "../revocation/preview/question.ts";

export interface FleetAnswers {
  /** What to report. */
  ready(): readonly FleetAnswer[];
  /** Resolves once all of `questions` have been answered. */
  find(questions: readonly FleetQuestion[]): Promise<void>;
}

/** Longer than any question is open. */
export const KEPT_FOR_MS = 10_000;

export function createAnswers(options: {
  readonly recent: () => RecentTokens;
  readonly clock: Clock;
  readonly schedule: Schedule;
}): FleetAnswers {
  const { recent, clock, schedule } = options;
  const kept = new Map<string, { readonly askedAtMs: number; answer: FleetAnswer | undefined }>();
  const forgetOld = (nowMs: number): void => {
    for (const [id, { askedAtMs }] of kept) if (nowMs - askedAtMs > KEPT_FOR_MS) kept.delete(id);
  };

  async function answer(question: FleetQuestion, askedAtMs: number): Promise<void> {
    const entry = { askedAtMs, answer: undefined as FleetAnswer | undefined };
    kept.set(question.id, entry);
    entry.answer = await answerQuestion(question, recent(), askedAtMs, schedule);
  }

  return {
    ready() {
      forgetOld(clock.now().monotonicMs);
      return [...kept.values()].flatMap((entry) => entry.answer ?? []).slice(-MAX_OPEN_QUESTIONS);
    },
    async find(questions) {
      const askedAtMs = clock.now().monotonicMs;
      const fresh = questions.filter(({ id }) => !kept.has(id));
      await Promise.all(fresh.map((question) => answer(question, askedAtMs)));
    },
  };
}
