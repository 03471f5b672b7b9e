// The turns and timers of the event loop as a port, so that a test or a simulation can turn it by hand.

export interface Schedule {
  /** Runs `task` once in the next turn of the event loop, never before this returns. */
  immediate(task: () => void): void;
  /** Runs `task` about every `periodMs` until the function returned is called. */
  every(periodMs: number, task: () => void): () => void;
}

/** For what may keep others waiting. */
export interface TurnEnd {
  /**
   * Runs `task` once in the next turn of the event loop, when all that `immediate` has for that turn is done, whichever came
   * first: answers and questions leave, and then there is work.
   */
  last(task: () => void): void;
}

/** The real event loop. */
export const eventLoop: Schedule & TurnEnd = {
  immediate(task) {
    waiting.push(task);
    armTurn();
  },
  last(task) {
    waitingLast.push(task);
    armTurn();
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs);
    return () => clearInterval(timer);
  },
};

// There is one event loop, and so one turn: what is scheduled while it runs is for the next one.
let waiting: (() => void)[] = [];
let waitingLast: (() => void)[] = [];
let isArmed = false;

function armTurn(): void {
  if (isArmed) return;
  isArmed = true;
  setImmediate(turn);
}

function turn(): void {
  const due = [waiting, waitingLast];
  waiting = [];
  waitingLast = [];
  isArmed = false;
  for (const tasks of due) for (const task of tasks) runAlone(task);
}

/** A bug in one task is heard, as in a `setImmediate` of its own, and keeps no other from its turn. */
function runAlone(task: () => void): void {
  try {
    task();
  } catch (bug) {
    setImmediate(() => {
      throw bug;
    });
  }
}
