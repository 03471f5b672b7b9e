// Audit trails in the SQLite file, each step a transaction.

import type { Result } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditHead, type AuditStore } from "../audit-store.ts";
import type { StoreFault } from "../store.ts";
import type { Statements } from "./schema.ts";

type Run = <T>(work: (sql: Statements) => T) => Promise<Result<T, StoreFault>>;

const EMPTY: AuditHead = { seq: 0, mac: "", checkpoint: "" };

export function embeddedAuditStore(read: Run, write: Run): AuditStore {
  return {
    auditHeads: () => read(headsOf),
    appendAudit: (chain, after, records) =>
      write((sql) => {
        const head = headOf(sql, chain);
        const last = records.at(-1);
        if (head.seq !== after.seq || head.mac !== after.mac || last === undefined) return false;
        for (const { seq, text, mac } of records) sql.putAudit.run({ chain, seq, text, mac });
        sql.putAuditHead.run({ chain, seq: last.seq, mac: last.mac, checkpoint: head.checkpoint });
        return true;
      }),
    readAudit: (chain, from, count) =>
      read((sql) =>
        sql.audit.all({ chain, from, upTo: from + count - 1 }).map((row) => ({
          seq: Number(row["seq"]),
          text: String(row["text"]),
          mac: String(row["mac"]),
        })),
      ),
    dropAudit: (chain, upTo, checkpoint, was) =>
      write((sql) => {
        const head = headOf(sql, chain);
        if (head.checkpoint !== was) return false;
        sql.dropAudit.run({ chain, upTo });
        sql.putAuditHead.run({ chain, seq: head.seq, mac: head.mac, checkpoint });
        return true;
      }),
    keepAuditKey: (candidate) =>
      write((sql) => {
        sql.putAuditKey.run({ key: candidate });
        return String(sql.auditKey.get()?.["key"]);
      }),
  };
}

function headOf(sql: Statements, chain: number): AuditHead {
  return headsOf(sql)[chain - 1] ?? EMPTY;
}

function headsOf(sql: Statements): readonly AuditHead[] {
  const heads = Array.from({ length: AUDIT_CHAINS }, () => EMPTY);
  for (const row of sql.auditHeads.all()) {
    heads[Number(row["chain"]) - 1] = {
      seq: Number(row["seq"]),
      mac: String(row["mac"]),
      checkpoint: String(row["checkpoint"]),
    };
  }
  return heads;
}
