// Audit trails in this process's memory: gone with it. It fails only once the store is stopped.

import { err, ok } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditRecord, type AuditStore } from "../audit-store.ts";
import type { StoreFault } from "../store.ts";

interface Chain {
  seq: number;
  mac: string;
  checkpoint: string;
  records: AuditRecord[];
}

/** `fault` tells why nothing is answered any more; undefined: it is. */
export function createMemoryAuditStore(fault: () => StoreFault | undefined): AuditStore {
  const chains = Array.from({ length: AUDIT_CHAINS }, (): Chain => ({ seq: 0, mac: "", checkpoint: "", records: [] }));
  const chainOf = (number: number): Chain => chains[number - 1] as Chain;
  let key: string | undefined;
  return {
    async auditHeads() {
      const why = fault();
      if (why !== undefined) return err(why);
      return ok(chains.map(({ seq, mac, checkpoint }) => ({ seq, mac, checkpoint })));
    },
    async appendAudit(number, after, records) {
      const why = fault();
      if (why !== undefined) return err(why);
      const chain = chainOf(number);
      const last = records.at(-1);
      if (chain.seq !== after.seq || chain.mac !== after.mac || last === undefined) return ok(false);
      chain.records.push(...records);
      chain.seq = last.seq;
      chain.mac = last.mac;
      return ok(true);
    },
    async readAudit(number, from, count) {
      const why = fault();
      if (why !== undefined) return err(why);
      return ok(chainOf(number).records.filter(({ seq }) => seq >= from && seq < from + count));
    },
    async dropAudit(number, upTo, checkpoint, was) {
      const why = fault();
      if (why !== undefined) return err(why);
      const chain = chainOf(number);
      if (chain.checkpoint !== was) return ok(false);
      chain.checkpoint = checkpoint;
      chain.records = chain.records.filter(({ seq }) => seq > upTo);
      return ok(true);
    },
    async keepAuditKey(candidate) {
      const why = fault();
      if (why !== undefined) return err(why);
      key ??= candidate;
      return ok(key);
    },
  };
}
