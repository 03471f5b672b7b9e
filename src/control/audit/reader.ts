// Reads all chains as one trail, newest first. It judges no signature: verify.ts does.

import { err, ok, type Result } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditRecord, type AuditStore } from "../../revocation/audit-store.ts";
import { readFault, UNKNOWN_CURSOR, type Problem } from "../problem.ts";
import { readEntry, type WrittenEntry } from "./entry.ts";

export interface AuditItem {
  readonly chain: number;
  readonly seq: number;
  /** Undefined: what stands there is no entry. */
  readonly entry: WrittenEntry | undefined;
}

export interface AuditPage {
  readonly items: readonly AuditItem[];
  /** Undefined on the last page. */
  readonly cursor: string | undefined;
}

/** Of each chain the newest record that is still to be shown; 0: none. */
type Position = readonly number[];

/** At most `limit` items, from `cursor` on; what was added since the first page is not in the others. */
export async function readTrail(
  store: AuditStore,
  limit: number,
  cursor: string | undefined,
): Promise<Result<AuditPage, Problem>> {
  const position = cursor === undefined ? await newest(store) : positionOf(cursor);
  if (!position.ok) return position;
  const chains: AuditItem[][] = [];
  for (const [i, seq] of position.value.entries()) {
    const items = seq === 0 ? ok([]) : await newestOf(store, i + 1, seq, limit);
    if (!items.ok) return items;
    chains.push(items.value);
  }
  const items = merge(chains, limit);
  const next = chains.map((rest) => rest[0]?.seq ?? 0);
  return ok({ items, cursor: next.some((seq) => seq > 0) ? cursorOf(next) : undefined });
}

async function newest(store: AuditStore): Promise<Result<Position, Problem>> {
  const heads = await store.auditHeads();
  return heads.ok ? ok(heads.value.map(({ seq }) => seq)) : err(readFault(heads.error));
}

/** One more than is shown, so that the next page is known to be there. Newest first. */
async function newestOf(
  store: AuditStore,
  chain: number,
  seq: number,
  limit: number,
): Promise<Result<AuditItem[], Problem>> {
  const from = Math.max(1, seq - limit);
  const records = await store.readAudit(chain, from, seq - from + 1);
  if (!records.ok) return err(readFault(records.error));
  return ok(records.value.toReversed().map((record) => itemOf(chain, record)));
}

function itemOf(chain: number, { seq, text }: AuditRecord): AuditItem {
  return { chain, seq, entry: readEntry(text) };
}

/** Takes the newest of all chains by turns; within a chain its own order stands, for clocks may step back. */
function merge(chains: readonly AuditItem[][], limit: number): readonly AuditItem[] {
  const merged: AuditItem[] = [];
  while (merged.length < limit) {
    let newestChain: AuditItem[] | undefined;
    for (const chain of chains) {
      if (chain.length > 0 && (newestChain === undefined || atOf(chain) > atOf(newestChain))) newestChain = chain;
    }
    const item = newestChain?.shift();
    if (item === undefined) break;
    merged.push(item);
  }
  return merged;
}

/** What cannot be read comes first, for it should be seen. */
function atOf([first]: readonly AuditItem[]): number {
  return first?.entry?.at ?? Infinity;
}

function cursorOf(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function positionOf(cursor: string): Result<Position, Problem> {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(position) && position.length <= AUDIT_CHAINS && position.every(isSeq)) return ok(position);
  } catch {
    // Told below.
  }
  return err(UNKNOWN_CURSOR);
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
