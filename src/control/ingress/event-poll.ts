// One poll for security events (RFC 8936 §2): what is asked, and what a transmitter's answer says. It judges no event.

import { isUtf8 } from "node:buffer";
import { err, ok, type Result } from "../../core/result.ts";
import { exchange } from "../../token/http-exchange.ts";
import { isJsonObject, parseJsonObject } from "../../token/json.ts";

/** What became of the events of the last poll (RFC 8936 §2.4.3, §2.4.4). */
export interface Acknowledgement {
  readonly ack: readonly string[];
  readonly setErrs: Readonly<Record<string, { readonly err: string; readonly description: string }>>;
}

export interface PollOptions {
  readonly url: URL;
  /** A secret. */
  readonly bearer: string;
  /** The transmitter answers at once, though there be nothing. */
  readonly returnImmediately: boolean;
  readonly timeoutMs: number;
}

/** Tokens by the `jti` under which the transmitter lists them: a claim to be held to the token's own. */
export type Polled = ReadonlyMap<string, string>;

export interface PollFault {
  readonly why: string;
  /** What the transmitter asks us to wait; 0: it says nothing. */
  readonly retryAfterMs: number;
}

/** Of one answer: what is beyond it comes again. All are kept in the store before the next are asked for. */
const MAX_EVENTS = 100;
/** A hundred statements of the size that a pushed one may have. */
const MAX_ANSWER_BYTES = MAX_EVENTS * 32 * 1_024;

/** Ends when `stopping` fires, or at `timeoutMs`. Never rejects. */
export async function pollEvents(
  { bearer, returnImmediately, timeoutMs, url }: PollOptions,
  { ack, setErrs }: Acknowledgement,
  stopping: AbortSignal,
): Promise<Result<Polled, PollFault>> {
  const body = JSON.stringify({ maxEvents: MAX_EVENTS, returnImmediately, ack, setErrs });
  const headers = {
    authorization: `Bearer ${bearer}`,
    accept: "application/json",
    "content-type": "application/json",
    "content-language": "en", // of the descriptions in setErrs
  };
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]);
  const answer = await exchange(url, { headers, body, maxBytes: MAX_ANSWER_BYTES }, signal);
  if (!answer.ok) return fault(answer.error.detail);
  const { status, headers: answered, body: bytes } = answer.value;
  if (status !== 200) return fault(`HTTP status ${status}`, answered["retry-after"]);
  const read = isUtf8(bytes) ? readAnswer(bytes.toString("utf8")) : undefined;
  return read === undefined ? fault("the answer is none of a poll") : ok(read);
}

/** RFC 8936 §2.3. Whether more is available shows with the next poll. */
function readAnswer(text: string): Polled | undefined {
  const document = parseJsonObject(text);
  const sets = document.ok ? document.value["sets"] : undefined;
  if (!isJsonObject(sets)) return undefined;
  const entries = Object.entries(sets).slice(0, MAX_EVENTS);
  return entries.every((entry): entry is [string, string] => typeof entry[1] === "string")
    ? new Map(entries)
    : undefined;
}

/** Only seconds of `retry-after` are heeded (RFC 9110 §10.2.3): a date is by the transmitter's clock. */
function fault(why: string, retryAfter = ""): Result<never, PollFault> {
  return err({ why, retryAfterMs: /^[0-9]{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : 0 });
}
