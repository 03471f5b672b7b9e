// What a control plane asks of all sidecars before something is revoked, and what each answers: numbers and salted
// hashes, from which nobody's name, session or token can be read.

/** Open for a few seconds, for every sidecar that reports meanwhile. */
export interface FleetQuestion {
  /** Drawn at random; the salt of the answers' hashes. */
  readonly id: string;
  /** The keys of what would be revoked. */
  readonly keys: readonly string[];
  /** Tokens issued from then on would not be hit; undefined: all are. Epoch seconds. */
  readonly issuedBeforeS: number | undefined;
}

export interface FleetAnswer {
  /** The question's. */
  readonly id: string;
  /** What `distinctCount` takes, of the tokens, sessions and users that would be hit. */
  readonly tokens: readonly number[];
  readonly sessions: readonly number[];
  readonly users: readonly number[];
  /** How far back it remembers every token it saw, at most RECENT_MS. */
  readonly backMs: number;
}

/** A token counts that was seen so lately. */
export const RECENT_MS = 900_000;

/** Of one question: some 30 KB. */
export const MAX_QUESTION_KEYS = 200;

/** At a time, in all control planes together; an answer is up to 5 KB. */
export const MAX_OPEN_QUESTIONS = 4;

/** Those of `open` that a sidecar has not answered yet; none of one that answers none. */
export function unanswered(
  open: readonly FleetQuestion[],
  answers: readonly FleetAnswer[] | undefined,
): readonly FleetQuestion[] {
  if (answers === undefined) return [];
  return open.filter(({ id }) => !answers.some((answer) => answer.id === id));
}
