// One run of writes to a shared replica, which its writer plays and its reader knows beforehand: of every step, what it
// does to which key. Made from a seed alone, so that both threads have the same.

import { createRandom } from "./random.ts";

export const KEY_COUNT = 12_000;

export interface Step {
  readonly key: number;
  readonly isLift: boolean;
}

/** Step 0 does nothing. */
export function stepsOf(seed: number, count: number): readonly Step[] {
  const random = createRandom(seed);
  // Few keys at first, so that they meet; more and more, so that tables grow.
  return Array.from({ length: count + 1 }, (_, step) => ({
    key: random.integer(Math.max(50, (KEY_COUNT * step) / count)),
    // In the end most are lifted, so that tables shrink.
    isLift: random.chance(step < count * 0.6 ? 0.25 : 0.9),
  }));
}

export const keyNamed = (key: number): string => `revoked:jti:main:${key}`;

/** All four words of it are the step, so that one of two writes shows. */
export function idOfStep(step: number): string {
  const word = step.toString(16).padStart(8, "0");
  return `${word}-${word.slice(0, 4)}-${word.slice(4)}-${word.slice(0, 4)}-${word.slice(4)}${word}`;
}
