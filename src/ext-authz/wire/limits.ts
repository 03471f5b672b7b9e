// Every bound of the HTTP/2 transport, once, with its reason. A peer may be slow, broken or hostile: none of these may
// be reached by a healthy Envoy, and past each something definite happens. It enforces nothing by itself.

/** RFC 9113 §4.2: the smallest that may be announced, and what everybody sends anyway. Larger: FRAME_SIZE_ERROR. */
export const MAX_FRAME_BYTES = 16_384;

/** As many as the reference Envoy asks at once, and twice `limits.maxInFlight`, whose word is "overloaded". */
export const MAX_CONCURRENT_STREAMS = 8_192;

/** Calls whose stream was reset before their answer: their work is still going on. Beyond: new ones are refused. */
export const MAX_ABANDONED_CALLS = 8_192;

/** What a stream may send unasked: every ordinary Check many times over, so that no WINDOW_UPDATE is due for one. */
export const STREAM_WINDOW_BYTES = 1_048_576;
/** 16 such streams at full speed; given back in halves, so that one small frame answers megabytes. */
export const CONNECTION_WINDOW_BYTES = 16_777_216;

/** A larger message would be a gRPC error, which Envoy may wave through: far above any header and body limit of its. */
export const MAX_MESSAGE_BYTES = 67_108_864;
/** Of all messages that are not there whole yet, over all connections; the next one is RESOURCE_EXHAUSTED. */
export const MAX_PARTIAL_MESSAGES_BYTES = 268_435_456;

/**
 * Fields decoded (RFC 9113 §6.5.2 counts 32 more for each). Envoy's own metadata take a few hundred bytes, but it passes
 * a client's `tracestate` on, as long as it lets headers be: 60 KiB unless told otherwise. The call is refused.
 */
export const MAX_HEADER_LIST_BYTES = 262_144;
/** The same, still encoded. More cannot decode to less, unless by Huffman codes that no encoder chooses. */
export const MAX_HEADER_BLOCK_BYTES = 262_144;
/** A block that large takes 16 frames at the frame size; a flood (CVE-2024-27316) is made of small ones. */
export const MAX_CONTINUATION_FRAMES = 16;
/** RFC 7541 §4.2: the initial size, which every peer may use before it has read our SETTINGS. */
export const HEADER_TABLE_BYTES = 4_096;

/** Answers that the kernel would not take. Reading stops at the socket's own mark, far below; these were under way. */
export const MAX_UNSENT_BYTES = 16_777_216;
/** Answers that the peer's windows would not take. */
export const MAX_BLOCKED_BYTES = 16_777_216;

/** Frames that carry no call and yet cost work (PING, SETTINGS, PRIORITY …), in advance; each call earns some more. */
export const FRAME_CREDIT = 10_000;
export const FRAME_CREDIT_PER_SECOND = 1_000;
/** A peer that measures its path sends a PING and two WINDOW_UPDATEs a call at most. */
export const FRAME_CREDIT_PER_CALL = 10;
/** SETTINGS visits every open stream (RFC 9113 §6.9.2). */
export const SETTINGS_COST = 100;
/** A stream error undoes what its call has earned: resets provoked on purpose (CVE-2025-8671) come to an end. */
export const STREAM_ERROR_COST = 11;

/** How long a peer may take over each step, in milliseconds. Tests take shorter ones. */
export interface WireTimes {
  /** Between two looks at the clock: every other time is measured in these. */
  readonly tickMs: number;
  /** From accept to the end of the client's preface and first SETTINGS. */
  readonly prefaceMs: number;
  /** From HEADERS to END_HEADERS. */
  readonly headerBlockMs: number;
  /** From HEADERS to END_STREAM of a request. */
  readonly requestMs: number;
  /** With answers waiting, for the peer to take any. */
  readonly stalledMs: number;
  /** Of silence, before a PING asks whether the peer is there; then until the connection counts as dead. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** So that Envoys spread again over new sidecars; varied by 10 %. */
  readonly maxAgeMs: number;
  /** For the last calls of a connection that has grown old, or whose peer will say nothing more; then it is cut. */
  readonly lastCallsMs: number;
  /** For the answer to the PING between the two GOAWAYs (RFC 9113 §6.8): one round trip. */
  readonly goAwayMs: number;
}

export const WIRE_TIMES: WireTimes = {
  tickMs: 500,
  prefaceMs: 10_000,
  headerBlockMs: 10_000,
  requestMs: 60_000,
  stalledMs: 20_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  maxAgeMs: 3_600_000,
  lastCallsMs: 10_000,
  goAwayMs: 500,
};
