// Keeps what was read from Kafka in the order in which it came, several pieces of it under way at once, and tells how far
// each partition is done: up to the first piece that is not. It commits nothing itself.

/** A record's place. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

interface Piece {
  readonly place: Place;
  isDone: boolean;
}

export class UnderWay {
  readonly #pieces: Piece[] = [];
  /** By partition: the last record before which all are done. */
  readonly #reached = new Map<string, Place>();

  get count(): number {
    return this.#pieces.length;
  }

  /** What is called once the record is done with; it tells whether anything can be committed by now. */
  begin(place: Place): () => boolean {
    const piece = { place, isDone: false };
    this.#pieces.push(piece);
    return () => {
      piece.isDone = true;
      return this.#advance();
    };
  }

  /** The last record done of each partition that got further since it was last asked. */
  takeReached(): readonly Place[] {
    const reached = [...this.#reached.values()];
    this.#reached.clear();
    return reached;
  }

  #advance(): boolean {
    for (let first = this.#pieces[0]; first?.isDone === true; first = this.#pieces[0]) {
      const { topic, partition } = first.place;
      this.#reached.set(`${topic}:${partition}`, first.place);
      this.#pieces.shift();
    }
    return this.#reached.size > 0;
  }
}
