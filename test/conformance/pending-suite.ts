// What every store must do with requests that wait for a second person.
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { MAX_PENDING } from "../../src/revocation/pending-store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { until } from "../support/wait.ts";
import { valueOf } from "./store-suite.ts";

const HOUR_MS = 3_600_000;

/** Registers what every store does with what waits for approval. Leaves nothing waiting. */
export function describePendingStore(storeName: string, store: () => RevocationStore): void {
  const ids = async (): Promise<readonly string[]> => valueOf(await store().pending()).map(({ id }) => id);

  describe(`what waits in the ${storeName} store`, () => {
    test("is kept as it was given, listed in order, and taken by one alone", async () => {
      const first = valueOf(await store().addPending(randomUUID(), 'o\'brien "é"', HOUR_MS));
      const second = valueOf(await store().addPending(randomUUID(), "{}", 2 * HOUR_MS));
      expect(Math.abs((first?.expiresAtMs ?? 0) - Date.now() - HOUR_MS)).toBeLessThan(60_000);
      expect(valueOf(await store().pending())).toEqual([first, second]);
      expect(valueOf(await store().pendingById(second?.id ?? ""))).toEqual(second);
      expect(valueOf(await store().pendingById("nobody's"))).toBeUndefined();
      const taken = await Promise.all([1, 2, 3].map(() => store().takePending(first?.id ?? "")));
      expect(taken.map(valueOf).filter((one) => one !== undefined)).toEqual([first]);
      expect(valueOf(await store().pendingById(first?.id ?? ""))).toBeUndefined();
      expect(await ids()).toEqual([second?.id]);
      expect(valueOf(await store().takePending(second?.id ?? ""))).toEqual(second);
      expect(valueOf(await store().takePending("nobody's"))).toBeUndefined();
    });

    test("is gone after its time, whether somebody looks or takes", async () => {
      const id = randomUUID();
      valueOf(await store().addPending(id, "{}", 50));
      await until("it to be gone", async () => valueOf(await store().pendingById(id)) === undefined);
      expect(await ids()).not.toContain(id);
      expect(valueOf(await store().takePending(id))).toBeUndefined();
    });

    test("is bounded, and takes the next once one is gone", async () => {
      const all = Array.from({ length: MAX_PENDING }, () => randomUUID());
      for (const id of all) {
        expect(valueOf(await store().addPending(id, "{}", HOUR_MS))).toBeDefined();
        await nextTurn(); // a store on this thread would hold it, and the other stores would lose their connections
      }
      expect(valueOf(await store().addPending(randomUUID(), "{}", HOUR_MS))).toBeUndefined();
      expect(valueOf(await store().takePending(all.pop() ?? ""))).toBeDefined();
      all.push(randomUUID());
      expect(valueOf(await store().addPending(all.at(-1) ?? "", "{}", HOUR_MS))).toBeDefined();
      for (const id of all) {
        expect(valueOf(await store().takePending(id))).toBeDefined();
        await nextTurn();
      }
      expect(await ids()).toEqual([]);
    }, 60_000);
  });
}
