// Our own load must never open the door: the loop is held past the deadline while a healthy Redis has long answered.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { decide } from "../../src/core/decide.ts";
import type { Observer } from "../../src/core/observer.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { createBreaker } from "../../src/resilience/breaker.ts";
import { eventLoop } from "../../src/resilience/schedule.ts";
import { createBatcher, type Batcher } from "../../src/revocation/batcher.ts";
import { createGuard, type Guard } from "../../src/revocation/guard.ts";
import { createRedisStore } from "../../src/revocation/redis/store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { subjectOf } from "../../src/revocation/subject.ts";
import { principalOf } from "../support/principal.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const LOW = { name: "low", rank: 0, maxStalenessMs: 30_000, failOpenForMs: 300_000 };
const DEADLINE_MS = 150;
const HELD_MS = 200;
const silent = new Proxy({}, { get: () => () => undefined }) as Observer;
const clock: Clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

let redis: RedisProcess;
let store: RevocationStore;
let batcher: Batcher;
let guard: Guard;
let onBatchSent: () => void;

beforeAll(async () => {
  redis = await startRedis();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  store = createRedisStore({ url: redis.url, keyPrefix: "", timeoutMs: 50, requireNoEviction: true, clock, log });
  await store.start();
  onBatchSent = () => undefined;
  batcher = createBatcher({
    reader: store,
    clock,
    breaker: createBreaker({
      windowMs: 10_000,
      minCalls: 20,
      failureRatio: 0.5,
      openForMs: 1_000,
      probeForMs: 100,
      onChange: () => undefined,
    }),
    observer: { batchSent: () => onBatchSent(), storeFailed: () => undefined, storeUp: () => undefined },
    schedule: eventLoop,
    timeoutMs: 50,
    maxBatchKeys: 1_024,
    maxBatchesInFlight: 16,
    maxWaiting: 4_096,
  });
  guard = createGuard({ lookUp: batcher, clock, observer: silent });
  await redis.cli("SET", "revoked:jti:main:stolen", "1");
  await until("the store to answer", async () => (await judged("warm", "good")).kind === "allow");
});

afterAll(async () => {
  batcher.stop();
  await store.stop();
  await redis.stop();
});

/** The verdict on a token never seen before; `meanwhile` runs in the turn in which it is asked. */
function judged(identity: string, tokenId: string, meanwhile = (): void => undefined): Promise<Verdict> {
  const principal = principalOf({ tokenId, expiresAtS: Date.now() / 1_000 + 600, issuedAtS: Date.now() / 1_000 });
  const beganAt = clock.now();
  return new Promise((resolve) => {
    const subject = subjectOf(principal, "", identity, 30_000);
    guard.judge(subject, LOW, beganAt, beganAt.monotonicMs + DEADLINE_MS, undefined, (evidence) => {
      resolve(
        decide({
          principal,
          possession: undefined,
          evidence,
          tier: LOW,
          requiredScopes: [],
          beganAt,
          now: clock.now(),
        }),
      );
    });
    meanwhile();
  });
}

function hold(): void {
  const untilMs = performance.now() + HELD_MS;
  while (performance.now() < untilMs);
}

test("before the question is sent: that is our overload, not the store's silence", async () => {
  expect(await judged("a", "stolen", hold)).toMatchObject({ kind: "deny", reason: "overloaded" });
});

test("after it was sent: the answer that lies in the socket counts", async () => {
  onBatchSent = () => {
    onBatchSent = () => undefined;
    queueMicrotask(hold);
  };
  expect(await judged("b", "stolen")).toMatchObject({ kind: "deny", reason: "revoked" });
});
