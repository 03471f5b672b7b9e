// The audit trail of this control plane: what is written to it, read from it and dropped from it, and when. It decides
// nothing about who may read.

import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { AuditStore } from "../../revocation/audit-store.ts";
import type { StoreFault } from "../../revocation/store.ts";
import { readFault, type Problem } from "../problem.ts";
import { auditKeyOf, type AuditKey } from "./chain.ts";
import { AUDIT_ACTIONS, type AuditEntry } from "./entry.ts";
import { readTrail, type AuditPage } from "./reader.ts";
import { createRefusals, type Refusal } from "./refusals.ts";
import { dropOld, type Retention } from "./retention.ts";
import { verifyChains, type ChainReport } from "./verify.ts";
import { createAuditWriter } from "./writer.ts";

export interface AuditTrailOptions extends Retention {
  readonly store: AuditStore;
  /** What the chains are signed with; undefined: a key is made once and kept in the store. */
  readonly secret: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Pick<Observer, "auditFailed" | "audited">;
}

export interface AuditTrail {
  /** Resolves once it is stored, or a first attempt has failed: then it is kept and tried again. */
  record(entry: AuditEntry): Promise<void>;
  refused(refusal: Refusal): void;
  page(limit: number, cursor: string | undefined): Promise<Result<AuditPage, Problem>>;
  verify(): Promise<Result<AuditVerdict, Problem>>;
  start(): void;
  stop(): Promise<void>;
}

export interface AuditVerdict {
  readonly chains: readonly ChainReport[];
  /** Entries that this control plane has given up since it began. */
  readonly lostCount: number;
}

const REFUSALS_EVERY_MS = 60_000;
const DROP_EVERY_MS = 600_000;
/** Besides: after so many of our own. */
const DROP_AFTER_COUNT = 1_000;

export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  const { store, clock, log, observer } = options;
  let key: AuditKey | undefined;
  let sinceDrop = 0;
  let dropping: Promise<void> | undefined;
  let verifying: Promise<Result<AuditVerdict, Problem>> | undefined;
  const timers: NodeJS.Timeout[] = [];
  const nowMs = (): number => clock.now().wallMs;

  async function keyNow(): Promise<Result<AuditKey, StoreFault>> {
    if (key !== undefined) return ok(key);
    const secret = options.secret ?? randomBytes(32).toString("base64url");
    const kept = options.secret === undefined ? await store.keepAuditKey(secret) : ok(secret);
    if (!kept.ok) return kept;
    key = auditKeyOf(kept.value);
    return ok(key);
  }

  async function drop(): Promise<void> {
    const found = await keyNow();
    const dropped = found.ok ? await dropOld(store, found.value, options, nowMs()) : found;
    if (!dropped.ok) log.warn("audit_not_dropped", { cause: dropped.error.cause });
  }

  function dropSoon(): void {
    sinceDrop = 0;
    dropping ??= drop().finally(() => {
      dropping = undefined;
    });
  }

  async function verify(): Promise<Result<AuditVerdict, Problem>> {
    const found = await keyNow();
    if (!found.ok) return err(readFault(found.error));
    const chains = await verifyChains(store, found.value);
    return chains.ok ? ok({ chains: chains.value, lostCount: writer.lostCount }) : err(readFault(chains.error));
  }

  const writer = createAuditWriter({
    store,
    key: keyNow,
    log,
    failed: (count) => observer.auditFailed(count),
    stored(count) {
      sinceDrop += count;
      if (sinceDrop >= DROP_AFTER_COUNT) dropSoon();
    },
  });

  function record(entry: AuditEntry): Promise<void> {
    observer.audited(entry.action, entry.count ?? 1);
    return writer.record(entry);
  }

  const refusals = createRefusals((entry) => void record(entry));
  for (const action of AUDIT_ACTIONS) observer.audited(action, 0);

  return {
    record,
    refused: (refusal) => refusals.note(refusal, nowMs()),
    page: (limit, cursor) => readTrail(store, limit, cursor),
    // Long work for the store: whoever asks meanwhile gets the same answer.
    verify: () =>
      (verifying ??= verify().finally(() => {
        verifying = undefined;
      })),
    start() {
      timers.push(
        setInterval(() => refusals.tell(nowMs()), REFUSALS_EVERY_MS),
        setInterval(dropSoon, DROP_EVERY_MS),
      );
      for (const timer of timers) timer.unref();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      refusals.tell(nowMs());
      await writer.stop();
      await dropping;
    },
  };
}
