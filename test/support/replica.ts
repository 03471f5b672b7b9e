// A replica over a real Redis as tests of its faults use it: looked into, and a writer beside it.

import type { Log, LogFields } from "../../src/core/log.ts";
import { eventLoop } from "../../src/resilience/schedule.ts";
import { createRedisReplicaSource } from "../../src/revocation/redis/replica-source.ts";
import { createRelay, type Relay } from "../../src/revocation/relay/relay.ts";
import { createRelayedReplica } from "../../src/revocation/relay/replica.ts";
import type { ReplicaOptions } from "../../src/revocation/replica/options.ts";
import { createReplica, type Replica } from "../../src/revocation/replica/replica.ts";
import { subjectOf } from "../../src/revocation/subject.ts";
import { principalOf } from "./principal.ts";
import { until } from "./wait.ts";

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

export interface ObservedReplica {
  readonly replica: Replica;
  readonly log: { readonly event: string; readonly fields: LogFields | undefined }[];
  wrongTypeCount(): number;
  /** How often something was applied of which somebody waits to hear. */
  awaitedCount(): number;
  /** How a token with this jti, of user alice and issued at 1,000,000,000, stands here. */
  stateOf(jti: string): "active" | "revoked" | "unreadable";
  /** Milliseconds since its position; Infinity: it has none. */
  age(): number;
  /** Waits until the position is of after this call. */
  untilCurrent(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

type StartOptions = Partial<Pick<ReplicaOptions, "scanEveryMs" | "directWriters" | "askEveryMs">>;

/** What every replica of a test is told. */
type Common = Required<Pick<ReplicaOptions, "clock" | "schedule" | "log" | "observer" | "random" | "onAwaited">>;

export function startReplica(url: string, options: StartOptions = {}): Promise<ObservedReplica> {
  return observe((common) =>
    createReplica({
      ...common,
      source: createRedisReplicaSource({ url, keyPrefix: "", clock, log: common.log }),
      scanEveryMs: 10_000,
      directWriters: true,
      ...options,
    }),
  );
}

/** One that a control plane feeds. */
export function startRelayedReplica(controlUrl: string, bearer: string): Promise<ObservedReplica> {
  return observe((common) => createRelayedReplica({ ...common, controlUrl, token: bearer, keyPrefix: "" }));
}

/** The relay of a control plane in the test's own process, over a real Redis. */
export function relayOf(url: string, options: StartOptions = {}): Relay {
  return createRelay({
    source: createRedisReplicaSource({ url, keyPrefix: "", clock, log: SILENT }),
    keyPrefix: "",
    clock,
    schedule: eventLoop,
    log: SILENT,
    random: Math.random,
    scanEveryMs: 10_000,
    directWriters: true,
    onCount: () => undefined,
    ...options,
  });
}

async function observe(create: (common: Common) => Replica): Promise<ObservedReplica> {
  const log: ObservedReplica["log"] = [];
  const note = (event: string, fields?: LogFields): void => void log.push({ event, fields });
  let wrongTypeCount = 0;
  let awaitedCount = 0;
  const replica = create({
    clock,
    schedule: eventLoop,
    log: { info: note, warn: note, error: note },
    observer: { replicaIs: (facts) => void ({ wrongTypeCount } = facts) },
    random: Math.random,
    onAwaited: () => void (awaitedCount += 1),
  });
  replica.start();
  const observed: ObservedReplica = {
    replica,
    log,
    wrongTypeCount: () => wrongTypeCount,
    awaitedCount: () => awaitedCount,
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
