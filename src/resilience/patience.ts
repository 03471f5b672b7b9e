// How long an answer from outside is waited for, so that a loop that was held takes nothing for late that lies there.

export interface Patience {
  /** Fires once it is too late, in the turn after. */
  readonly signal: AbortSignal;
  /** Nothing is waited for any more. */
  end(): void;
}

/** A blocked event loop runs timers before it reads sockets: what has come in by then gets its chance. */
export function patienceOf(timeoutMs: number): Patience {
  const late = new AbortController();
  const timer = setTimeout(() => setImmediate(() => late.abort()), timeoutMs);
  return { signal: late.signal, end: () => clearTimeout(timer) };
}
