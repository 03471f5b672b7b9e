// A replica over a real Redis as tests of its faults use it: looked into, and a writer beside it.

import type { LogFields } from "../../src/core/log.ts";
import { eventLoop } from "../../src/resilience/schedule.ts";
import { createRedisReplicaSource } from "../../src/revocation/redis/replica-source.ts";
import type { ReplicaOptions } from "../../src/revocation/replica/options.ts";
import { createReplica, type Replica } from "../../src/revocation/replica/replica.ts";
import { subjectOf } from "../../src/revocation/subject.ts";
import { principalOf } from "./principal.ts";
import { until } from "./wait.ts";

const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

export interface ObservedReplica {
  readonly replica: Replica;
  readonly log: { readonly event: string; readonly fields: LogFields | undefined }[];
  wrongTypeCount(): number;
  /** How a token with this jti, of user alice and issued at 1,000,000,000, stands here. */
  stateOf(jti: string): "active" | "revoked" | "unreadable";
  /** Milliseconds since its position; Infinity: it has none. */
  age(): number;
  /** Waits until the position is of after this call. */
  untilCurrent(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplica(
  url: string,
  options: Partial<Pick<ReplicaOptions, "scanEveryMs" | "directWriters">> = {},
): Promise<ObservedReplica> {
  const log: ObservedReplica["log"] = [];
  const note = (event: string, fields?: LogFields): void => void log.push({ event, fields });
  const heard = { info: note, warn: note, error: note };
  let wrongTypeCount = 0;
  const replica = createReplica({
    source: createRedisReplicaSource({ url, keyPrefix: "", clock, log: heard }),
    clock,
    schedule: eventLoop,
    log: heard,
    observer: { replicaIs: (facts) => void ({ wrongTypeCount } = facts) },
    random: Math.random,
    scanEveryMs: 10_000,
    directWriters: true,
    ...options,
  });
  replica.start();
  const observed: ObservedReplica = {
    replica,
    log,
    wrongTypeCount: () => wrongTypeCount,
    stateOf(jti) {
      const principal = principalOf({ issuerId: "main", tokenId: jti, subject: "alice", issuedAtS: 1_000_000_000 });
      return replica.judge(subjectOf(principal, "", jti, 0)).state;
    },
    age: () => (replica.position === undefined ? Infinity : performance.now() - replica.position.monotonicMs),
    async untilCurrent(timeoutMs = 10_000) {
      const sinceMs = performance.now();
      await until("the replica to be current", () => (replica.position?.monotonicMs ?? 0) >= sinceMs, timeoutMs, 5);
    },
    stop: () => replica.stop(),
  };
  await observed.untilCurrent();
  return observed;
}
