// The turns and timers of the event loop as a port, so that a test or a simulation can turn it by hand.

export interface Schedule {
  /** Runs `task` once in the next turn of the event loop, never before this returns. */
  immediate(task: () => void): void;
  /** Runs `task` about every `periodMs` until the function returned is called. */
  every(periodMs: number, task: () => void): () => void;
}

/** The real event loop. */
export const eventLoop: Schedule = {
  immediate(task) {
    setImmediate(task);
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs);
    return () => clearInterval(timer);
  },
};
