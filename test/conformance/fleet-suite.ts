// What every store must do for those who follow and watch: its log of events, and its board of the fleet's reports.
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Target } from "../../src/core/target.ts";
import { MAX_OPEN_QUESTIONS, type FleetQuestion } from "../../src/revocation/preview/question.ts";
import type { SeenSidecar, SidecarReport } from "../../src/revocation/fleet-board.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import type { NewRevocation, StoredRevocation } from "../../src/revocation/store.ts";
import { until } from "../support/wait.ts";
import { newRevocation, valueOf } from "./store-suite.ts";

const TIMEOUT_MS = 2_000;

/** Registers what every store's log must do: the same events in the same order for whoever reads it. */
export function describeEventLog(storeName: string, store: () => RevocationStore): void {
  const put = async (revocation: NewRevocation): Promise<StoredRevocation> => valueOf(await store().put(revocation));
  const end = async (): Promise<number> => valueOf(await store().eventsAfter("end", 0)).reached.seq;
  const session = (): Target => ({ kind: "session", issuer: "main", id: `o'brien "é" ${randomUUID()}` });

  describe(`the ${storeName} store's log`, () => {
    test("tells every revocation and lift once, in order, without a gap, and names the target in full", async () => {
      const before = await end();
      const lifted = await put(newRevocation(session()));
      const user = await put(newRevocation({ kind: "user", issuer: "main", id: randomUUID() }));
      valueOf(await store().lift(lifted.id));
      const { entries, reached } = valueOf(await store().eventsAfter(before, 0));
      expect(entries.map(({ seq }) => seq)).toEqual([before + 1, before + 2, before + 3]);
      expect([lifted.seq, user.seq]).toEqual([before + 1, before + 2]);
      expect(entries.map(({ event }) => [event.change, event.id, event.target, event.reason])).toEqual([
        ["revoked", lifted.id, lifted.target, lifted.reason],
        ["revoked", user.id, user.target, user.reason],
        ["lifted", lifted.id, lifted.target, lifted.reason],
      ]);
      expect(entries.map(({ event }) => event.issuedBeforeS)).toEqual([undefined, user.issuedBeforeS, undefined]);
      expect(entries[0]?.event.atMs).toBe(lifted.atMs);
      expect(Math.abs((entries[2]?.event.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(new Set(entries.map(({ epoch }) => epoch))).toEqual(new Set([reached.epoch]));
      expect([entries[1]?.previousLink, entries[2]?.previousLink]).toEqual([entries[0]?.link, entries[1]?.link]);
      expect(reached).toMatchObject({ seq: before + 3, link: entries[2]?.link });
    });

    test("has nothing after its end, and says where that is, without and after a wait", async () => {
      await put(newRevocation(session()));
      const before = await end();
      for (const waitMs of [0, 30]) {
        const page = valueOf(await store().eventsAfter(before, waitMs));
        expect(page).toMatchObject({ entries: [], reached: { seq: before } });
      }
    });

    test("says where it ends to whoever asks for what lies beyond", async () => {
      const before = await end();
      const page = valueOf(await store().eventsAfter(before + 1_000, 30));
      expect(page).toMatchObject({ entries: [], reached: { seq: before } });
    });

    test("gives an entry to whoever waits for it as soon as it is there", async () => {
      const before = await end();
      const waits = store().eventsAfter(before, TIMEOUT_MS * 4);
      const made = await put(newRevocation(session()));
      const { entries } = valueOf(await waits);
      expect(entries.map(({ event }) => event.id)).toEqual([made.id]);
    });
  });
}

const sidecarReport = (over: Partial<SidecarReport> = {}): SidecarReport => ({
  id: `host-${randomUUID()}`,
  version: "1.2.3",
  heeded: { epoch: "e", seq: 7 },
  lagMs: 12,
  breaker: "closed",
  totals: { allowed: 3, denied: { revoked: 2 }, failedOpen: 1, durations: Array.from({ length: 17 }, () => 0) },
  answers: undefined,
  startedAtMs: 1_767_225_600_000,
  ...over,
});

const seenBy = async (store: RevocationStore, id: string): Promise<SeenSidecar | undefined> =>
  valueOf(await store.fleet()).find((sidecar) => sidecar.id === id);

/** Registers what every store keeps of the sidecars' reports. */
export function describeFleetBoard(storeName: string, store: () => RevocationStore): void {
  const seen = (id: string): Promise<SeenSidecar | undefined> => seenBy(store(), id);

  describe(`the ${storeName} store's board of the fleet`, () => {
    test("gives back what each sidecar last reported, and when it was seen", async () => {
      const first = sidecarReport();
      const second = sidecarReport({ heeded: undefined, lagMs: undefined, breaker: "open", totals: undefined });
      valueOf(await store().report([sidecarReport({ id: first.id, version: "older" }), second]));
      valueOf(await store().report([first]));
      expect(await seen(first.id)).toEqual({ ...first, lastSeenMs: expect.any(Number) });
      expect(Math.abs(((await seen(first.id))?.lastSeenMs ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await seen(second.id)).toMatchObject({ id: second.id, breaker: "open" });
      expect(await seen(second.id)).not.toHaveProperty("heeded.seq");
      const heeded = valueOf(await store().heeded([second.id, first.id, "nobody"]));
      expect(heeded).toEqual([undefined, first.heeded, undefined]);
    });

    test("shows an open question to whoever reports, and takes no more than are allowed, until one closes", async () => {
      const question = (): FleetQuestion => ({
        id: randomUUID(),
        keys: ["user:revoked_after:main:é"],
        issuedBeforeS: 7,
      });
      const questions = Array.from({ length: MAX_OPEN_QUESTIONS }, question);
      for (const one of questions) expect(valueOf(await store().ask(one, 2_000))).toBe(true);
      expect(valueOf(await store().ask(question(), 2_000))).toBe(false);
      const open = valueOf(await store().report([sidecarReport()]));
      expect(open.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(
        questions.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      );
      await until(
        "them to close",
        async () => valueOf(await store().report([sidecarReport()])).length === 0,
        10_000,
        100,
      );
      expect(valueOf(await store().ask({ ...question(), issuedBeforeS: undefined }, 100))).toBe(true);
    });
  });
}

/** Registers, for all stores at once, for it takes its time, how long a board remembers. */
export function describeForgetting(stores: Readonly<Record<string, () => RevocationStore>>): void {
  describe.concurrent("the board of the fleet", () => {
    test.for(Object.entries(stores))("of the %s store forgets whoever has been silent for 10 s", async ([, store]) => {
      const silent = sidecarReport();
      const live = sidecarReport();
      valueOf(await store().report([silent, live]));
      await until(
        "the silent one to be gone",
        async () => {
          valueOf(await store().report([live]));
          return (await seenBy(store(), silent.id)) === undefined;
        },
        20_000,
        500,
      );
      expect(await seenBy(store(), live.id)).toBeDefined();
    });
  });
}
