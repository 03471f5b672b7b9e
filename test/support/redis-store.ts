// A Redis store as tests of its faults use it: told times, a remembered log, and look-ups with their duration.
import type { Clock } from "../../src/core/clock.ts";
import type { UnknownCause } from "../../src/core/evidence.ts";
import type { LogFields } from "../../src/core/log.ts";
import type { RedisStoreOptions } from "../../src/revocation/redis/options.ts";
import { createRedisStore } from "../../src/revocation/redis/store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { until } from "./wait.ts";

const realClock: Clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

/** One look-up of these tests. A time-out on a busy machine is no sooner than this, nor very much later. */
export const LOOK_UP_TIMEOUT_MS = 100;

/** What a look-up may take at the most on a busy machine: its time-out, generously. */
const SETTLED_WITHIN_MS = 1_000;

/** Contract: 3 s after the store's return; twice that on a busy machine. */
export const BACK_WITHIN_MS = 6_000;

export interface ObservedStore {
  readonly store: RevocationStore;
  readonly log: { readonly event: string; readonly fields: LogFields | undefined }[];
  /** The cause of one look-up's failure, "answered", or "late" if it took too long to say either. */
  lookUp(): Promise<UnknownCause | "answered" | "late">;
  /** Looks up until the outcome is one of these, and gives it back. */
  untilLookUp(timeoutMs: number, ...outcomes: readonly (UnknownCause | "answered")[]): Promise<string>;
}

/** A started store; waits until it is reachable unless told otherwise. */
export async function openRedisStore(
  url: string,
  options: Partial<RedisStoreOptions> & { readonly waitUntilReachable?: boolean } = {},
): Promise<ObservedStore> {
  const { waitUntilReachable = true, ...over } = options;
  const log: ObservedStore["log"] = [];
  const note = (event: string, fields?: LogFields): void => void log.push({ event, fields });
  const store = createRedisStore({
    url,
    keyPrefix: "",
    timeoutMs: LOOK_UP_TIMEOUT_MS,
    requireNoEviction: true,
    clock: realClock,
    log: { info: note, warn: note, error: note },
    ...over,
  });
  await store.start();
  if (waitUntilReachable) await until("the store to be reachable", () => store.health().reachable);

  async function lookUp(): Promise<UnknownCause | "answered" | "late"> {
    const begin = performance.now();
    const result = await store.read(["revoked:jti:main:a", "global:revoked_after"], LOOK_UP_TIMEOUT_MS);
    if (performance.now() - begin > SETTLED_WITHIN_MS) return "late";
    return result.ok ? "answered" : result.error.cause;
  }
  return {
    store,
    log,
    lookUp,
    async untilLookUp(timeoutMs, ...outcomes) {
      return until(
        `a look-up to be ${outcomes.join(" or ")}`,
        async () => {
          const outcome = await lookUp();
          if (outcome !== "late" && outcomes.includes(outcome)) return outcome;
          throw new Error(`it was ${outcome}`);
        },
        timeoutMs,
      );
    },
  };
}
