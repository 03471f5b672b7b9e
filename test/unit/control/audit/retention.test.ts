// What the audit trail lets go of is its beginning alone, and the rest can still be verified.
import { beforeEach, describe, expect, test } from "vitest";
import { auditKeyOf, chained } from "../../../../src/control/audit/chain.ts";
import { entryText } from "../../../../src/control/audit/entry.ts";
import { dropOld } from "../../../../src/control/audit/retention.ts";
import { verifyChains } from "../../../../src/control/audit/verify.ts";
import type { AuditStore } from "../../../../src/revocation/audit-store.ts";
import { createMemoryAuditStore } from "../../../../src/revocation/memory/audit-store.ts";

const KEY = auditKeyOf("a secret");
const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

let store: AuditStore;
beforeEach(() => {
  store = createMemoryAuditStore(() => undefined);
});

/** Appends one entry for each age. */
async function fill(chain: number, agesInDays: readonly number[]): Promise<void> {
  const heads = await store.auditHeads();
  const end = (heads.ok && heads.value[chain - 1]) || { seq: 0, mac: "" };
  const texts = agesInDays.map((days) =>
    entryText(
      {
        actor: "a",
        action: "revoke",
        target: undefined,
        reason: "r",
        atMs: NOW_MS - days * DAY_MS,
        id: undefined,
        count: undefined,
      },
      KEY.id,
    ),
  );
  await store.appendAudit(chain, end, chained(KEY, chain, end, texts));
}

const drop = (maxEntries: number, keepDays: number) =>
  dropOld(store, KEY, { maxEntries, keepMs: keepDays * DAY_MS }, NOW_MS);

async function report(): Promise<
  readonly (readonly [chain: number, dropped: number, entries: number, why: unknown])[]
> {
  const verified = await verifyChains(store, KEY);
  if (!verified.ok) throw new Error(verified.error.cause);
  return verified.value.map(({ chain, dropped, entries, broken }) => [chain, dropped, entries, broken?.why]);
}

describe("what is past the bounds goes, from the beginning, and what is left still verifies", () => {
  test("by age, in every chain", async () => {
    await fill(1, [100, 95, 91, 89, 1]);
    await fill(2, [200, 2, 1]);
    await drop(1_000, 90);
    expect(await report()).toEqual([
      [1, 3, 2, undefined],
      [2, 1, 2, undefined],
    ]);
  });

  test("by number, from the longest chain, many steps at once", async () => {
    await fill(
      1,
      Array.from({ length: 3_000 }, () => 1),
    );
    await fill(2, [2, 1]);
    await drop(1_500, 90);
    expect(await report()).toEqual([
      [1, 1_502, 1_498, undefined],
      [2, 0, 2, undefined],
    ]);
    await drop(1_500, 90);
    expect((await report())[0]).toEqual([1, 1_502, 1_498, undefined]);
  });

  test("again and again, with appending in between", async () => {
    for (let round = 0; round < 5; round += 1) {
      await fill(1, [1, 1, 1]);
      await drop(4, 90);
    }
    expect(await report()).toEqual([[1, 11, 4, undefined]]);
  });

  test("but never the last of a chain", async () => {
    await fill(1, [300, 200]);
    await drop(1_000, 90);
    expect(await report()).toEqual([[1, 1, 1, undefined]]);
    await drop(0, 90);
    expect(await report()).toEqual([[1, 1, 1, undefined]]);
  });

  test("and nothing of a chain whose checkpoint is forged: it is left for people to see", async () => {
    await fill(1, [300, 200, 100, 1]);
    await store.dropAudit(1, 1, '{"seq":1,"mac":"forged","at":1}', "");
    await drop(2, 90);
    expect(await report()).toEqual([[1, 0, 0, "checkpoint"]]);
    expect(await store.readAudit(1, 1, 10)).toMatchObject({ value: [{ seq: 2 }, { seq: 3 }, { seq: 4 }] });
  });
});
