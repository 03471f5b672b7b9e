// The publisher over a real store of this process, with a Kafka that fails when told to.
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../../../../src/core/clock.ts";
import { err, ok } from "../../../../src/core/result.ts";
import { createPublisher, type Publisher } from "../../../../src/control/kafka/publisher.ts";
import type { PublishedRecord } from "../../../../src/control/kafka/published-event.ts";
import { createMemoryStore } from "../../../../src/revocation/memory/store.ts";
import type { RevocationStore } from "../../../../src/revocation/revocation-store.ts";
import { until } from "../../../support/wait.ts";

const clock: Clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };
const log = { info() {}, warn() {}, error() {} };
const running: Publisher[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((publisher) => publisher.stop()));
});

interface Published {
  readonly told: readonly { readonly type: string; readonly id: string; readonly seq: number }[];
  readonly ids: readonly string[];
  readonly gaps: readonly string[];
  readonly publisher: Publisher;
}

/** `store` read from `fromSeq` on only, as if what came before were forgotten. */
function forgetful(store: RevocationStore, fromSeq: () => number): RevocationStore {
  return {
    ...store,
    async eventsAfter(seq, waitMs) {
      const page = await store.eventsAfter(seq === "end" ? seq : Math.max(seq, fromSeq() - 1), waitMs);
      return page;
    },
  };
}

function publish(store: RevocationStore, isDown: () => boolean = () => false): Published {
  const told: { type: string; id: string; seq: number }[] = [];
  const ids: string[] = [];
  const gaps: string[] = [];
  const publisher = createPublisher({
    store,
    publication: { source: "urn:test", audience: undefined },
    async send(records: readonly PublishedRecord[]) {
      if (isDown()) return err("down");
      for (const { value, headers } of records) {
        told.push(JSON.parse(value.toString()) as (typeof told)[number]);
        ids.push(headers["ce_id"] ?? "");
      }
      return ok(undefined);
    },
    holder: randomUUID(),
    clock,
    log,
    observer: {
      kafkaUp: () => undefined,
      published: () => undefined,
      publicationLags: () => undefined,
      publicationMissed: (why) => void gaps.push(why),
      consumed: () => undefined,
      deadLettered: () => undefined,
    },
  });
  running.push(publisher);
  publisher.start();
  return { told, ids, gaps, publisher };
}

const memory = (): RevocationStore => createMemoryStore({ clock, keyPrefix: "" });

async function revoke(store: RevocationStore, by = "ops"): Promise<string> {
  const id = randomUUID();
  const target = { kind: "token", issuer: "main", id } as const;
  const asked = { id, target, reason: "r", by, atMs: Date.now(), issuedBeforeS: undefined, expiresAtMs: undefined };
  await store.put(asked);
  return id;
}

describe("the publisher", () => {
  test("begins with what the log holds, and goes on where another has left off", async () => {
    const store = memory();
    const first = await revoke(store);
    const one = publish(store);
    await until("the first", () => one.told.length === 1);
    await one.publisher.stop();
    const second = await revoke(store);
    const other = publish(store);
    await until("the second", () => other.told.length === 1);
    expect([...one.told, ...other.told].map(({ id }) => id)).toEqual([first, second]);
  });

  test("leaves the turn to one of several", async () => {
    const store = memory();
    const planes = [publish(store), publish(store), publish(store)];
    await Promise.all(Array.from({ length: 20 }, () => revoke(store)));
    await until("all", () => planes.flatMap(({ ids }) => ids).length === 20);
    expect(planes.filter(({ ids }) => ids.length > 0)).toHaveLength(1);
  });

  test("tells everything, in order, of a time in which Kafka was out", async () => {
    const store = memory();
    let isDown = true;
    const { told, publisher } = publish(store, () => isDown);
    const ids = [await revoke(store), await revoke(store), await revoke(store)];
    await until("trouble", () => publisher.trouble() !== undefined);
    isDown = false;
    await until("all three", () => told.length === 3);
    expect(told.map(({ id }) => id)).toEqual(ids);
    await until("no trouble", () => publisher.trouble() === undefined);
  });

  test("says that it missed what the log has forgotten meanwhile, and goes on with what it holds", async () => {
    const memoryStore = memory();
    let firstKept = 0;
    const store = forgetful(memoryStore, () => firstKept);
    const before = publish(store);
    await revoke(memoryStore);
    await until("the first", () => before.told.length === 1);
    await before.publisher.stop();
    await revoke(memoryStore);
    await revoke(memoryStore);
    firstKept = 4;
    const last = await revoke(memoryStore);
    const { told, gaps } = publish(store);
    await until("the last", () => told.some(({ id }) => id === last));
    expect(told.map(({ type, seq }) => [type, seq])).toEqual([
      ["RESET", 3],
      ["TOKEN_REVOKED", 4],
    ]);
    expect(gaps).toEqual(["forgotten"]);
  });

  test("says that the log is another one, and tells all that it holds", async () => {
    const [old, young] = [memory(), memory()];
    await revoke(old);
    const before = publish(old);
    await until("the first", () => before.told.length === 1);
    await before.publisher.stop();
    const second = await revoke(young);
    // The position is the old one's, as where a store was restored from elsewhere.
    const { told, gaps } = publish({
      ...young,
      takeTurn: old.takeTurn,
      published: old.published,
      endTurn: old.endTurn,
    });
    await until("the other's", () => told.some(({ id }) => id === second));
    expect(told.map(({ type }) => type)).toEqual(["RESET", "TOKEN_REVOKED"]);
    expect(gaps).toEqual(["replaced"]);
  });

  test("does not tell what came by Kafka itself, and gets past it", async () => {
    const store = memory();
    const { told } = publish(store);
    await revoke(store, "kafka:hr");
    const own = await revoke(store);
    await until("our own", () => told.length === 1);
    expect(told[0]).toMatchObject({ id: own, seq: 2 });
  });
});
