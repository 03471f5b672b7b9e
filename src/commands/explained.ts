// What `explain` judges with: the policy of a sidecar that listens nowhere, its keys read and its store asked once.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { CheckPolicy } from "../ext-authz/check-policy.ts";
import type { Guard } from "../revocation/guard.ts";
import type { Issuer } from "../token/issuer.ts";
import { systemClock } from "./clock.ts";
import { createIssuers } from "./issuers.ts";
import { compilePolicy } from "./policy.ts";
import { createSenderJudge } from "./senders.ts";
import { raiseLadder } from "./ladder.ts";
import { openSidecarStore } from "./store.ts";

export interface ExplainedPolicy {
  readonly config: Config;
  readonly policy: CheckPolicy;
}

export interface Explained extends ExplainedPolicy {
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 20;

/** Waits at most `patienceMs` for the first keys and the store's first answer: without them the verdict tells so. */
export async function openExplained(config: Config, patienceMs: number): Promise<Explained> {
  const untilMs = systemClock.now().monotonicMs + patienceMs;
  const store = openSidecarStore(config, NO_LOG);
  await store.start();
  const ladder = raiseLadder(config, store, NO_OBSERVER, undefined);
  const sources = createIssuers(NO_OBSERVER, NO_LOG);
  const { issuers, settled } = sources.use(config.issuers);
  await Promise.race([settled, elapsed(patienceMs)]);
  while (ladder.lookUp.lastAnswerAt() === undefined && systemClock.now().monotonicMs < untilMs)
    await elapsed(LOOK_EVERY_MS);
  return {
    ...explainedPolicy(config, issuers, ladder.guard),
    async stop() {
      ladder.stop();
      await sources.stop();
      await store.stop();
    },
  };
}

/** The policy of `config` for explanations: what they look at counts nowhere. */
export function explainedPolicy(config: Config, issuers: readonly Issuer[], guard: Guard): ExplainedPolicy {
  return {
    config,
    policy: compilePolicy(config, {
      issuers,
      guard,
      observer: NO_OBSERVER,
      log: NO_LOG,
      possession: createSenderJudge(config),
    }),
  };
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function nothing(): void {
  // An explanation is its own report.
}

const NO_LOG: Log = { info: nothing, warn: nothing, error: nothing };

const NO_OBSERVER: Observer = {
  decided: nothing,
  verified: nothing,
  verifiedTokenCache: nothing,
  lookedUp: nothing,
  batchSent: nothing,
  storeFailed: nothing,
  storeUp: nothing,
  breakerIs: nothing,
  replicaIs: nothing,
  revokedTokenAttempted: nothing,
  jwksFetched: nothing,
  jwksKeyDropped: nothing,
  jwksReadAt: nothing,
  introspected: nothing,
  auditFailed: nothing,
  audited: nothing,
  configReloaded: nothing,
  observing: nothing,
  issuerClockAhead: nothing,
};
