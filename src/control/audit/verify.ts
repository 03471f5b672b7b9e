// Walks every chain from its checkpoint to its end and says what does not fit. It mends nothing.

import { err, ok, type Result } from "../../core/result.ts";
import type { AuditHead, AuditRecord, AuditStore } from "../../revocation/audit-store.ts";
import type { StoreFault } from "../../revocation/store.ts";
import { CHAIN_START, faultOfLink, readCheckpoint, type AuditKey, type ChainEnd, type LinkFault } from "./chain.ts";
import { readEntry } from "./entry.ts";

/** Where a chain stops making sense, and how. */
export interface Break {
  readonly seq: number;
  readonly why: LinkFault | "checkpoint" | "other_key";
}

export interface ChainReport {
  readonly chain: number;
  /** Records that fit, one behind the other, up to the break if there is one. */
  readonly entries: number;
  /** Records dropped before them, as the checkpoint says. */
  readonly dropped: number;
  readonly broken: Break | undefined;
}

/** Some 200 KB. */
const RECORDS_TOGETHER = 500;
/** While it is walked a chain may lose its beginning, once at most in any sane time. */
const MAX_WALKS = 3;

/** A report of each chain that has anything in it. */
export async function verifyChains(
  store: AuditStore,
  key: AuditKey,
): Promise<Result<readonly ChainReport[], StoreFault>> {
  const heads = await store.auditHeads();
  if (!heads.ok) return heads;
  const reports: ChainReport[] = [];
  for (const [i, head] of heads.value.entries()) {
    if (head.seq === 0 && head.checkpoint === "") continue;
    const report = await verifyChain(store, key, i + 1, head);
    if (!report.ok) return report;
    reports.push(report.value);
  }
  return ok(reports);
}

async function verifyChain(
  store: AuditStore,
  key: AuditKey,
  chain: number,
  first: AuditHead,
): Promise<Result<ChainReport, StoreFault>> {
  let head = first;
  for (let walks = 1; ; walks += 1) {
    const report = await walk(store, key, chain, head);
    if (!report.ok || report.value.broken === undefined || walks === MAX_WALKS) return report;
    const heads = await store.auditHeads();
    if (!heads.ok) return heads;
    const now = heads.value[chain - 1] ?? head;
    if (now.checkpoint === head.checkpoint) return report;
    head = now;
  }
}

async function walk(
  store: AuditStore,
  key: AuditKey,
  chain: number,
  head: AuditHead,
): Promise<Result<ChainReport, StoreFault>> {
  const start = head.checkpoint === "" ? CHAIN_START : readCheckpoint(key, chain, head.checkpoint);
  if (start === undefined) return ok({ chain, entries: 0, dropped: 0, broken: { seq: 0, why: "checkpoint" } });
  const report = (end: ChainEnd, broken: Break | undefined): Result<ChainReport, never> =>
    ok({ chain, entries: end.seq - start.seq, dropped: start.seq, broken });
  let end: ChainEnd = start;
  while (end.seq < head.seq) {
    const page = await store.readAudit(chain, end.seq + 1, Math.min(RECORDS_TOGETHER, head.seq - end.seq));
    if (!page.ok) return err(page.error);
    const fit = fitting(key, chain, end, page.value);
    end = fit.end;
    if (fit.broken !== undefined) return report(end, fit.broken);
  }
  // All that is there fits: so must the end that the store tells of, or its last records were taken away.
  return report(end, end.seq === head.seq && end.mac === head.mac ? undefined : { seq: end.seq, why: "changed" });
}

/** How far `records` fit behind `end`. None where there should be some is a break too. */
function fitting(
  key: AuditKey,
  chain: number,
  from: ChainEnd,
  records: readonly AuditRecord[],
): { readonly end: ChainEnd; readonly broken: Break | undefined } {
  let end = from;
  for (const record of records) {
    const why = faultOfLink(key, chain, end, record);
    if (why !== undefined) {
      return { end, broken: { seq: end.seq + 1, why: isOthers(key, why, record.text) ? "other_key" : why } };
    }
    end = record;
  }
  return { end, broken: records.length === 0 ? { seq: end.seq + 1, why: "missing" } : undefined };
}

/** A record that names another key cannot be judged with this one. */
function isOthers(key: AuditKey, why: LinkFault, text: string): boolean {
  return why === "changed" && readEntry(text)?.key !== key.id;
}
