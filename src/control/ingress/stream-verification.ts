// Asks a transmitter now and then to prove that its stream still reaches us (Shared Signals 1.0 §8.1.4), and tells its
// answers from others'. The answer may reach any control plane: what ties it to the question is signed with the bearer
// token that all of them have, and that it came is remembered in the store. It revokes nothing.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { ok } from "../../core/result.ts";
import { exchange } from "../../token/http-exchange.ts";
import { isJsonObject } from "../../token/json.ts";
import type { Room } from "../api/room.ts";
import { answerOnce, wasAnswered } from "../idempotency.ts";
import type { Following } from "./following.ts";

export interface StreamVerification extends Following {
  /**
   * Whether `state` of a verification event is one that a control plane asked with, and `subject` the stream; an event
   * without a state was nobody's question (§8.1.4.2). "unknown": the store could not be told.
   */
  heard(room: Room, state: unknown, subject: unknown): Promise<"expected" | "unexpected" | "unknown">;
}

export interface VerificationOptions {
  /** Name of the transmitter. */
  readonly transmitter: string;
  /** The transmitter's verification endpoint. */
  readonly url: URL;
  /** A secret. */
  readonly bearer: string;
  readonly streamId: string;
  /** How often it is asked. */
  readonly everyMs: number;
}

const NONCE_BYTES = 16;
const STATE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const TIMEOUT_MS = 10_000;
/** The answer has none. */
const MAX_ANSWER_BYTES = 1_024;

export function createStreamVerification(options: VerificationOptions): StreamVerification {
  const { transmitter, streamId, everyMs } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let asking: Promise<void> = Promise.resolve();
  let lastNonce: string | undefined;

  async function ask(room: Room): Promise<void> {
    if (lastNonce !== undefined && (await wasAnswered(room.store, onceOf(lastNonce))) === false) {
      room.log.warn("event_stream_not_verified", { transmitter, askedEveryMs: everyMs });
    }
    const nonce = randomBytes(NONCE_BYTES).toString("base64url");
    const fault = await request(nonce);
    if (fault === undefined) lastNonce = nonce;
    else if (!stopping.signal.aborted)
      room.log.warn("event_stream_verification_not_asked", { transmitter, why: fault });
    if (!stopping.signal.aborted) timer = setTimeout(begin, everyMs, room);
  }

  function begin(room: Room): void {
    asking = ask(room).catch((error: unknown) => {
      room.log.error("event_stream_verification_failed", { transmitter, error: String(error) });
    });
  }

  /** Undefined: it was asked; otherwise why not. */
  async function request(nonce: string): Promise<string | undefined> {
    const { bearer, url } = options;
    const body = JSON.stringify({ stream_id: streamId, state: `${nonce}.${signatureOf(options, nonce)}` });
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = await exchange(url, { headers, body, maxBytes: MAX_ANSWER_BYTES }, signal);
    if (!answer.ok) return answer.error.detail;
    const { status } = answer.value;
    return status >= 200 && status < 300 ? undefined : `HTTP status ${status}`;
  }

  function onceOf(nonce: string): { readonly caller: string; readonly key: string } {
    return { caller: transmitter, key: `verification ${nonce}` };
  }

  return {
    async heard(room, state, subject) {
      if (state === undefined) return "expected";
      const nonce = isJsonObject(subject) && subject["id"] === streamId ? nonceOf(options, state) : undefined;
      if (nonce === undefined) return "unexpected";
      const keepMs = 2 * everyMs;
      const kept = await answerOnce(room.store, { ...onceOf(nonce), request: [], keepMs }, async () => ok("verified"));
      if (!kept.ok) return "unknown";
      room.log.info("event_stream_verified", { transmitter });
      return "expected";
    },
    start: begin,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await asking;
    },
  };
}

function nonceOf(options: VerificationOptions, state: unknown): string | undefined {
  const [, nonce, signature] = typeof state === "string" ? (STATE.exec(state) ?? []) : [];
  if (nonce === undefined || signature === undefined) return undefined;
  const isOurs = timingSafeEqual(Buffer.from(signature), Buffer.from(signatureOf(options, nonce)));
  return isOurs ? nonce : undefined;
}

function signatureOf({ bearer, streamId, transmitter }: VerificationOptions, nonce: string): string {
  const text = JSON.stringify(["stream verification", transmitter, streamId, nonce]);
  return createHmac("sha256", bearer).update(text).digest("base64url");
}
