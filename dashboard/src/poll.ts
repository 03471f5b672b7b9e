// Asks again and again, and keeps what was heard last: a failed question changes what is known of its age, never what is
// shown.

import { useEffect, useState } from "preact/hooks";
import { get, type Problem } from "./api.ts";

export interface Polled<T> {
  /** undefined: nothing was heard yet. */
  readonly value: T | undefined;
  /** When it was heard, epoch ms. */
  readonly heardAt: number;
  /** Of the last question; undefined: it was answered. */
  readonly problem: Problem | undefined;
}

/** `heard` gets each answer once. */
export function usePolled<T>(path: string, everyMs: number, heard?: (value: T) => void): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, heardAt: 0, problem: undefined });
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const answer = await get<T>(path);
      if (isOver) return;
      if (answer.ok) {
        heard?.(answer.value);
        setPolled({ value: answer.value, heardAt: Date.now(), problem: undefined });
      } else {
        setPolled((last) => ({ ...last, problem: answer.problem }));
      }
      timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return polled;
}

/** The time now, each second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
