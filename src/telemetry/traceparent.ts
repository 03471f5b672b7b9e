// Reads W3C `traceparent` strictly. What is not exactly one is nobody's parent.

/** A parent that asked for its trace to be recorded. */
export interface SampledParent {
  readonly kind: "sampled";
  /** 32 lower-case hex digits, not all 0. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all 0. */
  readonly spanId: string;
}

/** A parent that asked for its trace not to be recorded. One value for all of them: such calls cost nothing. */
export interface UnsampledParent {
  readonly kind: "unsampled";
}

const UNSAMPLED: UnsampledParent = { kind: "unsampled" };

/** `version "-" trace-id "-" parent-id "-" flags` (W3C Trace Context §3.2). A later version may go on after a dash. */
const LENGTH = 55;
const DASHES = [2, 35, 52];
const SAMPLED_FLAG = 1;

/** The parent a header names; undefined where there is no header or it is not valid. */
export function parseTraceparent(header: string | undefined): SampledParent | UnsampledParent | undefined {
  if (header === undefined || header.length < LENGTH) return undefined;
  for (let i = 0; i < LENGTH; i += 1) {
    const dashHere = DASHES.includes(i);
    if (dashHere ? header.charCodeAt(i) !== DASH : !isLowerHex(header.charCodeAt(i))) return undefined;
  }
  const version = header.slice(0, 2);
  if (version === "ff") return undefined;
  if (header.length > LENGTH && (version === "00" || header.charCodeAt(LENGTH) !== DASH)) return undefined;
  const traceId = header.slice(3, 35);
  const spanId = header.slice(36, 52);
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const flags = Number.parseInt(header.slice(53, 55), 16);
  return (flags & SAMPLED_FLAG) === 0 ? UNSAMPLED : { kind: "sampled", traceId, spanId };
}

const DASH = 0x2d;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

function isLowerHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}
