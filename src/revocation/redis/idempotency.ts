// Binds idempotency keys to the answers given for them. It never judges whether a request is the same.

import { err, ok, type Result } from "../../core/result.ts";
import type { IdempotentAnswer, StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
import { answerValue, idempotencyKey, readAnswer } from "./own-keys.ts";

/** Between our claim and our read another's claim may expire, once at the most in any sane time. */
const MAX_TRIES = 2;

export async function claimIdempotencyKey(
  ask: Ask,
  keyPrefix: string,
  key: string,
  fingerprint: string,
  ttlMs: number,
): Promise<Result<IdempotentAnswer | undefined, StoreFault>> {
  const name = idempotencyKey(keyPrefix, key);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const claimed = await ask("SET", name, answerValue({ fingerprint, answer: "" }), "NX", "PX", ttlMs);
    if (!claimed.ok) return claimed;
    if (claimed.value === "OK") return ok(undefined);
    const bound = await ask("GET", name);
    if (!bound.ok) return bound;
    if (bound.value === null) continue;
    const answer = readAnswer(bound.value);
    return answer === undefined ? err(fault("protocol", "an answer that is not ours is bound to the key")) : ok(answer);
  }
  return err(fault("protocol", "the idempotency key is free and taken by turns"));
}

export async function answerIdempotencyKey(
  ask: Ask,
  keyPrefix: string,
  key: string,
  answer: IdempotentAnswer,
  ttlMs: number,
): Promise<Result<void, StoreFault>> {
  const name = idempotencyKey(keyPrefix, key);
  const reply =
    answer.answer === "" ? await ask("DEL", name) : await ask("SET", name, answerValue(answer), "PX", ttlMs);
  return reply.ok ? ok(undefined) : reply;
}
