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

/** A caller's trace context, as received: read only by who wants it. */
export interface TraceContext {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

export interface Tracer {
  /**
   * Starts a root or remote-parented span if this call is sampled (W3C Trace Context: the parent's sampled flag
   * counts where there is a valid parent, the configured ratio otherwise).
   */
  start(name: string, caller: TraceContext): Span | undefined;
}
