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

/** `version "-" trace-id "-" parent-id "-" flags` (W3C Trace Context §3.2). */
const LENGTH = 55;
const DASH = 0x2d;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const SAMPLED_FLAG = 1;

/** The parent a header names; undefined where there is no header or it is not valid. */
export function parseTraceparent(header: string | undefined): SampledParent | UnsampledParent | undefined {
  if (header === undefined || !isWellFormed(header)) return undefined;
  const traceId = header.slice(3, 35);
  const spanId = header.slice(36, 52);
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const flags = Number.parseInt(header.slice(53, 55), 16);
  return (flags & SAMPLED_FLAG) === 0 ? UNSAMPLED : { kind: "sampled", traceId, spanId };
}

function isWellFormed(header: string): boolean {
  if (header.length < LENGTH || header.startsWith("ff")) return false;
  for (let i = 0; i < LENGTH; i += 1) {
    const code = header.charCodeAt(i);
    if (isDashPlace(i) ? code !== DASH : !isLowerHex(code)) return false;
  }
  // A later version may go on after a dash; version 00 ends here (§4.3).
  return header.length === LENGTH || (!header.startsWith("00") && header.charCodeAt(LENGTH) === DASH);
}

function isDashPlace(i: number): boolean {
  return i === 2 || i === 35 || i === 52;
}

function isLowerHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}
