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
   * Runs `task` once in the next turn of the event loop that is not put off, when all that `immediate` has for that turn is
   * done, whichever came first: answers and questions leave, and then there is work.
   */
  last(task: () => void): void;
}

/** For whoever has read as much as one may in a turn, and will read on in the next. */
export interface TurnOverflow {
  /**
   * No `last` task runs in the next turn, so that all of a burst is read, and what is known in it answered, before work is
   * done for what is new. A task waits for MAX_PUT_OFF_TURNS such turns at most: who always has more starves nobody.
   */
  putOffLast(): void;
}

/** A burst of 450 Checks of 1.4 KB is ten turns of reading. Sixteen are a megabyte of one connection, or some 8 ms. */
export const MAX_PUT_OFF_TURNS = 16;

/** The real event loop. */
export const eventLoop: Schedule & TurnEnd & TurnOverflow = {
  immediate(task) {
    waiting.push(task);
    armTurn();
  },
  last(task) {
    waitingLast.push(task);
    armTurn();
  },
  putOffLast() {
    isLastPutOff = true;
    armTurn(); // it is that turn's, whoever comes later
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
let isLastPutOff = false;
/** In a row. */
let putOffTurnCount = 0;

function armTurn(): void {
  if (isArmed) return;
  isArmed = true;
  setImmediate(turn);
}

function turn(): void {
  const due = [waiting, takeLast()];
  waiting = [];
  isArmed = false;
  if (waitingLast.length > 0) armTurn();
  for (const tasks of due) for (const task of tasks) runAlone(task);
}

function takeLast(): (() => void)[] {
  const isPutOff = isLastPutOff && waitingLast.length > 0 && putOffTurnCount < MAX_PUT_OFF_TURNS;
  isLastPutOff = false;
  putOffTurnCount = isPutOff ? putOffTurnCount + 1 : 0;
  if (isPutOff) return [];
  const tasks = waitingLast;
  waitingLast = [];
  return tasks;
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
