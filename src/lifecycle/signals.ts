// What signals mean: the first SIGTERM or SIGINT drains, a second one ends the process at once, SIGHUP reloads.

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The process, as far as signals need it. */
export interface SignalSource {
  on(signal: Signal, listener: () => void): void;
  exit(exitCode: number): void;
}

export interface Signals {
  /**
   * For a command that will ask for `onTerminate`: until it does, the first SIGTERM or SIGINT ends the process with 0, for
   * nothing was begun, and SIGHUP means nothing, for what it would reload is still to be read.
   */
  whileLoading(): void;
  onTerminate(drain: () => void): void;
  onInterrupt(end: () => void): void;
  onReload(reload: () => void): void;
}

const NOTHING_BEGUN = 0;

/** A drain that was cut off did not finish. */
const CUT_OFF = 1;

/** Nothing is listened to until somebody asks: until then every signal does what it does to any process. */
export function createSignals(source: SignalSource): Signals {
  let first: (() => void) | undefined;
  let signalCount = 0;
  const terminate = (): void => {
    signalCount += 1;
    if (signalCount === 1) first?.();
    else source.exit(CUT_OFF);
  };
  const listen = (then: () => void): void => {
    if (first === undefined) {
      source.on("SIGTERM", terminate);
      source.on("SIGINT", terminate);
    }
    first = then;
  };
  return {
    whileLoading() {
      listen(() => source.exit(NOTHING_BEGUN));
      source.on("SIGHUP", () => undefined);
    },
    onTerminate: listen,
    onInterrupt: listen,
    onReload: (reload) => source.on("SIGHUP", reload),
  };
}
