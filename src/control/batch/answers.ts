// Answers work in the order in which it came, several pieces of it under way at once. It holds back whoever brings more
// than may be under way, and never the answers: who sends all before he reads would wait for us, and we for him.

/** Hears each answer, in order. */
type Say = (answer: string) => void;

export interface OrderedAnswers {
  /** Begins `work`, which must not reject; undefined says nothing. Resolves when there is room for the next piece. */
  begin(work: () => Promise<string | undefined>): Promise<void>;
  /** Resolves when all is answered. */
  end(): Promise<void>;
}

export function createOrderedAnswers(say: Say, maxUnderWay: number): OrderedAnswers {
  let underWay = 0;
  let said: Promise<void> = Promise.resolve();
  let makeRoom: (() => void) | undefined;

  async function sayInTurn(turn: Promise<void>, answer: Promise<string | undefined>): Promise<void> {
    await turn;
    const text = await answer;
    if (text !== undefined) say(text);
    underWay -= 1;
    makeRoom?.();
    makeRoom = undefined;
  }

  return {
    async begin(work) {
      underWay += 1;
      said = sayInTurn(said, work());
      if (underWay >= maxUnderWay) await new Promise<void>((resolve) => (makeRoom = resolve));
    },
    end: () => said,
  };
}
