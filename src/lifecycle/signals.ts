// What signals mean: the first SIGTERM or SIGINT drains, a second one ends the process at once, SIGHUP reloads.

type Signal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The process, as far as signals need it. */
export interface SignalSource {
  on(signal: Signal, listener: () => void): void;
  exit(exitCode: number): void;
}

export interface Signals {
  onTerminate(drain: () => void): void;
  onInterrupt(end: () => void): void;
  onReload(reload: () => void): void;
}

/** A drain that was cut off did not finish. */
const CUT_OFF = 1;

/** Nothing is listened to until somebody asks: until then every signal does what it does to any process. */
export function createSignals(source: SignalSource): Signals {
  const listen = (first: () => void): void => {
    let signalCount = 0;
    const terminate = (): void => {
      signalCount += 1;
      if (signalCount === 1) first();
      else source.exit(CUT_OFF);
    };
    source.on("SIGTERM", terminate);
    source.on("SIGINT", terminate);
  };
  return {
    onTerminate: listen,
    onInterrupt: listen,
    onReload: (reload) => source.on("SIGHUP", reload),
  };
}
