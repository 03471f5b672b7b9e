// Decides which request headers a Check looks at: by every spelling a back end may read as one of them.
// Never looks at a value.

/** What a header's name is to us. */
export const OTHER = 0;
export const AUTHORIZATION = 1;
export const TRACEPARENT = 2;
export const TRACESTATE = 3;
/** Spelled otherwise than a header we manage, but read as it by back ends that fold `.`, `_` and `-`. */
export const SPOOFED = 4;
/** A byte that no header name has (RFC 9110 §5.1): the request is damaged. */
export const DAMAGED = 5;
export type HeaderRole = 0 | 1 | 2 | 3 | 4 | 5;

export interface WatchedHeaders {
  /** The role of the header whose name is `bytes[start…end)`. Allocates nothing for names it does not know. */
  roleOf(bytes: Buffer, start: number, end: number): HeaderRole;
}

interface Candidate {
  readonly folded: Buffer;
  /** Its last byte, in which names differ most often. */
  readonly last: number;
  readonly role: HeaderRole;
}

const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/** Lower case, `.` and `_` as `-`; 0 for what no header name may hold. `:` stays: Envoy lists pseudo headers too. */
const FOLD: Uint8Array = new Uint8Array(256);
for (let byte = FIRST_VISIBLE; byte <= LAST_VISIBLE; byte++) FOLD[byte] = foldByte(byte);

function foldByte(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  return byte === 0x2e || byte === 0x5f ? 0x2d : byte;
}

/** `managed`: names set or removed on every allow, lower-cased; they themselves are never reported as spoofed. */
export function watchHeaders(managed: Iterable<string>): WatchedHeaders {
  const own = new Set(managed);
  const byLength: (Candidate[] | undefined)[] = [];
  const watch = (name: string, role: HeaderRole): void => {
    const folded = Buffer.from(name, "latin1").map((byte) => FOLD[byte] ?? 0);
    (byLength[folded.length] ??= []).push({ folded: Buffer.from(folded), last: folded.at(-1) ?? 0, role });
  };
  watch("authorization", AUTHORIZATION);
  watch("traceparent", TRACEPARENT);
  watch("tracestate", TRACESTATE);
  for (const name of own) watch(name, SPOOFED);
  const longest = byLength.length;

  return {
    roleOf(bytes, start, end) {
      if (start === end || !isVisible(bytes, start, end)) return DAMAGED;
      const candidates = end - start < longest ? byLength[end - start] : undefined;
      if (candidates === undefined) return OTHER;
      const role = roleAmong(candidates, bytes, start, end);
      if (role !== SPOOFED) return role;
      return own.has(bytes.toString("latin1", start, end).toLowerCase()) ? OTHER : SPOOFED;
    },
  };
}

/** Whether all bytes are visible ASCII: all that a name may hold, and `:` (see FOLD). One sum, for it is asked of every byte. */
function isVisible(bytes: Buffer, start: number, end: number): boolean {
  let outside = 0; // negative as soon as one byte is below or above
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    outside |= (byte - FIRST_VISIBLE) | (LAST_VISIBLE - byte);
  }
  return outside >= 0;
}

function roleAmong(candidates: readonly Candidate[], bytes: Buffer, start: number, end: number): HeaderRole {
  const given = FOLD[bytes[end - 1] as number];
  for (const { folded, last, role } of candidates) {
    if (last !== given) continue;
    let at = end - 1;
    while (at > start && FOLD[bytes[at - 1] as number] === folded[at - 1 - start]) at--;
    if (at === start) return role;
  }
  return OTHER;
}
