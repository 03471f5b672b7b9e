// What every store must do with audit trails (the port in src/revocation/audit-store.ts). Each test has a chain of its
// own, for the suite may run twice on one store.
import { describe, expect, test } from "vitest";
import { AUDIT_CHAINS, type AuditHead, type AuditRecord, type AuditStore } from "../../src/revocation/audit-store.ts";
import { valueOf } from "./store-suite.ts";

const START = { seq: 0, mac: "" };

function records(from: number, count: number, more = ""): readonly AuditRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    seq: from + i,
    text: `{"n":${from + i},"odd":"żółć \\u0000 😀 ' ; \\n${more}"}`,
    mac: `mac-${from + i}${more}`,
  }));
}

/** Registers the suite for the store that `store()` gives once the tests run. */
export function describeAudit(storeName: string, store: () => AuditStore): void {
  const headOf = async (chain: number): Promise<AuditHead | undefined> =>
    valueOf(await store().auditHeads())[chain - 1];
  const append = async (chain: number, after: { seq: number; mac: string }, added: readonly AuditRecord[]) =>
    valueOf(await store().appendAudit(chain, after, added));
  const read = async (chain: number, from: number, count: number) =>
    valueOf(await store().readAudit(chain, from, count));

  describe(`the audit trail of a ${storeName} store`, () => {
    test("has the same number of chains everywhere, empty at first", async () => {
      expect(valueOf(await store().auditHeads())).toHaveLength(AUDIT_CHAINS);
      expect(await headOf(AUDIT_CHAINS)).toEqual({ seq: 0, mac: "", checkpoint: "" });
      expect(await read(AUDIT_CHAINS, 1, 10)).toEqual([]);
    });

    test("gives back what was appended, as it was, in order, from anywhere", async () => {
      const all = records(1, 250);
      expect(await append(1, START, all.slice(0, 100))).toBe(true);
      expect(await append(1, { seq: 100, mac: "mac-100" }, all.slice(100))).toBe(true);
      expect(await headOf(1)).toEqual({ seq: 250, mac: "mac-250", checkpoint: "" });
      expect(await read(1, 1, 1_000)).toEqual(all);
      expect(await read(1, 99, 4)).toEqual(all.slice(98, 102));
      expect(await read(1, 251, 10)).toEqual([]);
    });

    test("takes nothing that does not follow the end, and one chain knows nothing of another", async () => {
      expect(await append(2, START, records(1, 2))).toBe(true);
      for (const after of [START, { seq: 1, mac: "mac-1" }, { seq: 2, mac: "other" }, { seq: 3, mac: "mac-2" }]) {
        expect(await append(2, after, records(after.seq + 1, 1, "x"))).toBe(false);
      }
      expect(await read(2, 1, 10)).toEqual(records(1, 2));
      expect(await headOf(3)).toEqual({ seq: 0, mac: "", checkpoint: "" });
      expect(await append(3, { seq: 2, mac: "mac-2" }, records(3, 1))).toBe(false);
    });

    test("lets one of many that append at once", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => append(4, START, records(1, 2, `-${i}`))),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await read(4, 1, 10)).toEqual(records(1, 2, `-${outcomes.indexOf(true)}`));
    });

    test("drops the beginning together with setting the checkpoint, once, and appends on", async () => {
      await append(5, START, records(1, 10));
      expect(valueOf(await store().dropAudit(5, 4, "first", ""))).toBe(true);
      expect(valueOf(await store().dropAudit(5, 8, "second", ""))).toBe(false);
      expect(await headOf(5)).toEqual({ seq: 10, mac: "mac-10", checkpoint: "first" });
      expect(await read(5, 1, 100)).toEqual(records(5, 6));
      expect(valueOf(await store().dropAudit(5, 10, "all", "first"))).toBe(true);
      expect(await append(5, { seq: 10, mac: "mac-10" }, records(11, 1))).toBe(true);
      expect(await headOf(5)).toEqual({ seq: 11, mac: "mac-11", checkpoint: "all" });
      expect(await read(5, 1, 100)).toEqual(records(11, 1));
    });

    test("keeps the first key it is given", async () => {
      const keys = await Promise.all(["a", "b", "c"].map(async (key) => valueOf(await store().keepAuditKey(key))));
      expect(new Set(keys).size).toBe(1);
      expect(["a", "b", "c"]).toContain(keys[0]);
      expect(valueOf(await store().keepAuditKey("d"))).toBe(keys[0]);
    });
  });
}
