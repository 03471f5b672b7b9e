// What every store must do with the turn to publish its log.
import { describe, expect, test } from "vitest";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { until } from "../support/wait.ts";
import { valueOf } from "./store-suite.ts";

const LONG_MS = 60_000;

/** Registers what every store does with the turn to publish. */
export function describePublication(storeName: string, store: () => RevocationStore): void {
  describe(`the turn to publish the ${storeName} store`, () => {
    test("is one's, until it is given up or runs out, and what is published is the next one's to know", async () => {
      const { takeTurn, published, endTurn } = store();
      expect(valueOf(await takeTurn("a", LONG_MS))).toMatchObject({ publishedTo: undefined });
      expect(valueOf(await takeTurn("b", LONG_MS))).toBeUndefined();
      const head = { epoch: "e", seq: 7, link: "l" };
      expect(valueOf(await published("b", head))).toBe(false);
      expect(valueOf(await published("a", head))).toBe(true);
      expect(valueOf(await takeTurn("a", LONG_MS))?.publishedTo).toEqual(head);
      valueOf(await endTurn("b")); // not b's to end
      expect(valueOf(await takeTurn("b", LONG_MS))).toBeUndefined();
      valueOf(await endTurn("a"));
      expect(valueOf(await takeTurn("b", 50))?.publishedTo).toEqual(head);
      await until("it to run out", async () => valueOf(await takeTurn("a", LONG_MS)) !== undefined);
      expect(valueOf(await published("b", { ...head, seq: 8 }))).toBe(false);
      expect(valueOf(await takeTurn("a", LONG_MS))?.publishedTo).toEqual(head);
    });
  });
}
