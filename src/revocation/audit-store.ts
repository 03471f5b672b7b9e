// The port to where audit trails are kept: numbered chains of records, each of which only grows at its end and is
// forgotten from its beginning. What a record says, and whether it fits the one before it, is not the store's to judge.

import type { Result } from "../core/result.ts";
import type { StoreFault } from "./store.ts";

export interface AuditRecord {
  /** Its number in its chain, dense from 1. */
  readonly seq: number;
  readonly text: string;
  /** Of the text and the record before it. */
  readonly mac: string;
}

export interface AuditHead {
  /** Of the chain's last record; 0: it has none yet. */
  readonly seq: number;
  /** "" where it has none. */
  readonly mac: string;
  /** Stands for the records that were dropped; "": none were. */
  readonly checkpoint: string;
}

/** One for each control plane at work; beyond that many they take turns. */
export const AUDIT_CHAINS = 32;

export interface AuditStore {
  /** Of every chain that may be: `heads[0]` is chain 1's. */
  auditHeads(): Promise<Result<readonly AuditHead[], StoreFault>>;
  /**
   * Appends `records`, at least one, if the chain ends with `after` still, in one step; tells whether it did. On a fault
   * it may have happened.
   */
  appendAudit(
    chain: number,
    after: Pick<AuditHead, "seq" | "mac">,
    records: readonly AuditRecord[],
  ): Promise<Result<boolean, StoreFault>>;
  /** Those of seq `from` … `from + count - 1` that are there, in order. */
  readAudit(chain: number, from: number, count: number): Promise<Result<readonly AuditRecord[], StoreFault>>;
  /** Drops the records up to `upTo` and sets the checkpoint, in one step, if that is `was` still; tells whether it did. */
  dropAudit(chain: number, upTo: number, checkpoint: string, was: string): Promise<Result<boolean, StoreFault>>;
  /** The key of the chains: `candidate`, unless another was kept before. */
  keepAuditKey(candidate: string): Promise<Result<string, StoreFault>>;
}
