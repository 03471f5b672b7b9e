// The port for spans. A span exists only for a sampled call; everywhere else it is undefined and costs nothing.

export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  child(name: string): Span;
  set(key: string, value: string | number | boolean): void;
  /** Marks the span as failed with a closed reason, never with a message that could hold a token. */
  fail(reason: string): void;
  end(): void;
}

export interface Tracer {
  /**
   * Starts a root or remote-parented span if this call is sampled (W3C Trace Context: the parent's sampled flag
   * counts where there is a valid parent, the configured ratio otherwise). `traceparent` and `tracestate` as received.
   */
  start(name: string, traceparent: string | undefined, tracestate: string | undefined): Span | undefined;
}
