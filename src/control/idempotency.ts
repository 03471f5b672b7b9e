// Makes a request with an Idempotency-Key happen once: the same request again gets the same answer, another one under
// the same key is refused. Keys belong to their caller: nobody meets another's.

import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "../core/result.ts";
import type { RevocationWriter } from "../revocation/store.ts";
import { writeFault, type Problem } from "./problem.ts";

type Keys = Pick<RevocationWriter, "claimIdempotencyKey" | "answerIdempotencyKey">;

export interface Once {
  readonly caller: string;
  /** As sent. */
  readonly key: string;
  /** Whatever must be equal for two requests to be the same. */
  readonly request: readonly unknown[];
  /** How long the answer is given again. */
  readonly keepMs: number;
  /**
   * A claim without an answer is what is left of an attempt that failed, of this process or one that died: the work is
   * done all the same. Only for whoever knows that nobody else is at it.
   */
  readonly takesOver?: boolean | undefined;
  /** Where the same request is being worked on, its answer is waited for a while: whoever sent both wants one. */
  readonly waits?: boolean | undefined;
}

/** 1–255 visible ASCII characters, as any client library makes them. */
export const IDEMPOTENCY_KEY = "^[\\x21-\\x7e]{1,255}$";

/** A claim outlives the longest request and not by much: after a crash between claim and answer retries must wait. */
const CLAIM_TTL_MS = 15_000;
/** Longer than any receipt is waited for (`wait: fleet`, 2 s), and far shorter than what a request may take. */
const PATIENCE_MS = 3_000;
const ASK_AGAIN_MS = 50;
/** Of a single call: a job that runs every night meets its own answer again. */
export const KEEP_ANSWER_MS: number = 24 * 3_600_000;
/** Of a batch's line. Ten thousand at a time for a day would fill a Redis; for an hour they are fewer than the markers. */
export const KEEP_LINE_ANSWER_MS = 3_600_000;

/**
 * Runs `work` unless `once` was answered before, and returns the answer's body, then or now. A failure frees the key,
 * so that the same request may be tried again.
 */
export async function answerOnce(
  store: Keys,
  once: Once,
  work: () => Promise<Result<string, Problem>>,
): Promise<Result<string, Problem>> {
  let outcome = await attempt(store, once, work);
  for (let asksLeft = once.waits === true ? PATIENCE_MS / ASK_AGAIN_MS : 0; asksLeft > 0; asksLeft--) {
    if (outcome.ok || outcome.error.code !== "request_in_progress") return outcome;
    await delay(ASK_AGAIN_MS);
    outcome = await attempt(store, once, work);
  }
  return outcome;
}

async function attempt(
  store: Keys,
  once: Once,
  work: () => Promise<Result<string, Problem>>,
): Promise<Result<string, Problem>> {
  const key = digest([once.caller, once.key]);
  const fingerprint = digest(once.request);
  const claimed = await store.claimIdempotencyKey(key, fingerprint, CLAIM_TTL_MS);
  if (!claimed.ok) return err(writeFault(claimed.error));
  const earlier = claimed.value;
  const isLeft = once.takesOver === true && earlier?.answer === "" && earlier.fingerprint === fingerprint;
  if (earlier === undefined || isLeft) return finish(store, { key, fingerprint, keepMs: once.keepMs }, work);
  if (earlier.fingerprint !== fingerprint) return err({ code: "idempotency_key_reused" });
  if (earlier.answer !== "") return ok(earlier.answer);
  return err({ code: "request_in_progress", headers: { "retry-after": "1" } });
}

/** Whether work under that key was done and is remembered; undefined where the store cannot be told. */
export async function wasAnswered(
  store: Keys,
  { caller, key }: Pick<Once, "caller" | "key">,
): Promise<boolean | undefined> {
  const claimed = await store.claimIdempotencyKey(digest([caller, key]), digest([]), 1);
  return claimed.ok ? claimed.value !== undefined && claimed.value.answer !== "" : undefined;
}

async function finish(
  store: Keys,
  { key, fingerprint, keepMs }: { readonly key: string; readonly fingerprint: string; readonly keepMs: number },
  work: () => Promise<Result<string, Problem>>,
): Promise<Result<string, Problem>> {
  let answer = "";
  try {
    const outcome = await work();
    if (outcome.ok) answer = outcome.value;
    return outcome;
  } finally {
    // If this fails the outcome is true all the same; the claim then ends by itself and a retry only strengthens.
    await store.answerIdempotencyKey(key, { fingerprint, answer }, keepMs);
  }
}

function digest(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}
