// The feed of the simulated store, and a replica's wires to it: what a real Redis and the way to it may do. Answers on
// one connection come in the order of their questions, however late; a connection may be dead long before it shows.

import { isWatermarkKind } from "../../src/core/target.ts";
import { err, ok, type Result } from "../../src/core/result.ts";
import type {
  FeedEntry,
  FeedHead,
  PushListener,
  ReplicaSource,
  StandingMarker,
} from "../../src/revocation/replica/source.ts";
import { targetOfKey } from "../../src/revocation/marker-keys.ts";
import type { StoreFault } from "../../src/revocation/store.ts";
import type { BeginQuestion, StoreModel } from "./store-model.ts";
import type { World } from "./world.ts";

export interface FeedModel {
  head: FeedHead;
  log: FeedEntry[];
  /** Another after each restart of the store. */
  connection: number;
  /** Told of each write to a key; null: of everything. */
  readonly listeners: Set<(key: string | null) => void>;
}

const NO_HEAD: FeedHead = { epoch: "", seq: 0, link: "" };

export function createFeedModel(): FeedModel {
  return { head: NO_HEAD, log: [], connection: 1, listeners: new Set() };
}

/** What the writing script does: marker and entry at once. `value` undefined lifts. */
export function writeThroughFeed(
  store: StoreModel,
  random: World["random"],
  key: string,
  value: string | undefined,
): void {
  const { feed } = store;
  const { head } = feed;
  const epoch = head.epoch === "" ? `epoch-${random.unit()}` : head.epoch;
  const next: FeedHead = { epoch, seq: head.seq + 1, link: `link-${random.unit()}` };
  feed.log.push({
    ...next,
    previousLink: head.epoch === "" ? "" : head.link,
    key,
    marker: value === undefined ? undefined : standing(key, value),
    isAwaited: false,
  });
  feed.head = next;
  writeByHand(store, key, value);
}

/** SET or DEL by another program. */
export function writeByHand(store: StoreModel, key: string, value: string | undefined): void {
  if (value === undefined) store.values.delete(key);
  else store.values.set(key, value);
  for (const tell of store.feed.listeners) tell(key);
}

function standing(key: string, value: string): StandingMarker {
  const kind = targetOfKey("", key)?.kind;
  if (kind === undefined) throw new Error(`${key} is no marker's key`);
  return { kind, value: isWatermarkKind(kind) ? value : "1", expiresAtMs: undefined };
}

/** How the replica's process runs what comes in. */
export type InProcess = (delayMs: number, what: () => void) => void;

const TIMEOUT_MS = 1_000;
const BLOCK_MS = 400;
const KEYS_PER_SCAN = 7;

interface Wire {
  /** `answer` is taken at the store; undefined: it says nothing. */
  ask<T>(answer: () => Result<T, StoreFault> | undefined): Promise<Result<T, StoreFault>>;
}

function openWire(world: World, store: StoreModel, inProcess: InProcess): Wire {
  const { random } = world;
  const questions: (() => void)[] = [];
  const answers: (() => void)[] = [];
  let lagMs = 0;
  const delay = (): number => random.between(0, (store.mode.kind === "up" ? store.mode.delayMs : 1) + lagMs);
  const congest = (): void => {
    lagMs = random.pick([0, 0, 100, 490]);
    inProcess(random.between(300, 4_000), congest);
  };
  congest();
  return {
    ask: (answer) =>
      new Promise((resolve) => {
        inProcess(TIMEOUT_MS, () => resolve(err({ cause: "timeout", detail: "simulated" })));
        questions.push(() => {
          const { mode } = store;
          if (mode.kind === "silent" || (mode.kind === "up" && random.chance(mode.lossProbability))) return;
          const told = mode.kind === "up" ? answer() : err({ cause: mode.cause, detail: "simulated" });
          if (told === undefined) return;
          answers.push(() => resolve(told));
          inProcess(delay(), () => answers.shift()?.());
        });
        world.outside(delay(), () => questions.shift()?.());
      }),
  };
}

export function openReplicaSource(
  world: World,
  store: StoreModel,
  inProcess: InProcess,
  beginQuestion: BeginQuestion,
): ReplicaSource {
  const { random } = world;
  const reads = openWire(world, store, inProcess);
  const log = openWire(world, store, inProcess);
  let closePush: (() => void) | undefined;
  let provePush: () => Promise<boolean> = () => Promise.resolve(false);

  function waitForEntries(seq: number, untilMs: number): Promise<Result<readonly FeedEntry[], StoreFault>> {
    return log
      .ask(() => ok(store.feed.log.filter((entry) => entry.seq > seq).slice(0, 5)))
      .then((told) => {
        if (!told.ok || told.value.length > 0 || world.trueMs() >= untilMs) return told;
        return new Promise((resolve) => inProcess(random.between(1, 20), () => resolve(waitForEntries(seq, untilMs))));
      });
  }

  function startPush(listener: PushListener): void {
    const inbox: (() => void)[] = [];
    let isDead = false; // as the store sees it
    let isOpen = true; // as the replica sees it
    const send = (message: () => void): void => {
      if (isDead || store.mode.kind === "silent") return void (isDead = true);
      inbox.push(message);
      inProcess(random.between(0, 10), () => {
        const next = inbox.shift();
        if (isOpen) next?.();
      });
    };
    /** The store tells at the end of its turn, and of each key once, however often it was written. */
    const written = new Set<string>();
    const tellWritten = (): void => {
      const keys = [...written];
      written.clear();
      if (keys.length > 0) send(() => listener.changed(keys));
    };
    const tell = (key: string | null): void => {
      if (key === null) return send(() => listener.everythingChanged());
      if (written.size === 0) world.outside(random.between(0, 1), tellWritten);
      written.add(key);
    };
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      isDead = true;
      store.feed.listeners.delete(tell);
      listener.closed();
      inProcess(random.between(50, 3_000), () => open());
    };
    const open = (): void => startPush(listener);

    provePush = () =>
      new Promise((resolve) => {
        inProcess(TIMEOUT_MS, () => {
          resolve(false);
        });
        world.outside(random.between(0, 3), () => {
          tellWritten();
          send(() => resolve(true));
        });
      }).then((proved) => {
        if (proved !== true) close();
        return proved === true && isOpen;
      });
    closePush = close;
    store.feed.listeners.add(tell);
    listener.opened();
    const die = (): void => {
      isDead = true;
      if (random.chance(0.5)) inProcess(random.between(0, 50), close); // a reset is seen; a black hole is not
    };
    world.outside(random.between(500, 15_000), die);
  }

  return {
    start(listener) {
      if (listener !== undefined) inProcess(random.between(1, 30), () => startPush(listener));
    },
    stop: () => Promise.resolve(closePush?.()),
    async read(keys) {
      const witness = beginQuestion();
      const told = await reads.ask(() =>
        ok({
          judge: witness(),
          moment: {
            head: store.feed.head,
            storeNowMs: 1_750_000_000_000 + world.trueMs(),
            markers: keys.map((key): StandingMarker | "absent" => {
              const value = store.values.get(key);
              return value === undefined ? "absent" : standing(key, value);
            }),
          },
        }),
      );
      if (!told.ok) return told;
      const judged = told.value.judge();
      return judged.ok ? ok(told.value.moment) : judged;
    },
    entriesAfter: (seq) => waitForEntries(seq, world.trueMs() + BLOCK_MS),
    scan: (cursor) =>
      reads.ask(() => {
        // Another server's cursors mean other things: here, that it is through.
        const [server, after = ""] = cursor === "0" ? [String(store.feed.connection)] : cursor.split("|");
        if (server !== String(store.feed.connection))
          return ok({ next: "0", keys: [], connection: store.feed.connection });
        const keys = [...store.values.keys()].toSorted().filter((key) => key > after);
        const page = keys.slice(0, KEYS_PER_SCAN);
        return ok({
          next: keys.length > page.length ? `${store.feed.connection}|${page.at(-1)}` : "0",
          keys: page,
          connection: store.feed.connection,
        });
      }),
    provePush: () => provePush(),
  };
}
