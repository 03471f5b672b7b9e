// Which keys are read at once, which with the next proof, and that nobody is told "all read" before it is so.
import { expect, test } from "vitest";
import { DirtyKeys } from "../../../../src/revocation/replica/dirty-keys.ts";
import { until } from "../../../support/wait.ts";

interface Store {
  readonly told: string[];
  fail: boolean;
}

function begin(): { readonly dirty: DirtyKeys; readonly told: string[]; readonly store: Store } {
  const store: Store = { told: [], fail: false };
  const dirty = new DirtyKeys({
    read(keys) {
      if (!store.fail) store.told.push(keys.join(" "));
      return Promise.resolve(!store.fail);
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    gather: () => Promise.resolve(),
  });
  return { dirty, told: store.told, store };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("keys are read together, each once; who waits is told after them and before those that came later", async () => {
  const { dirty, told } = begin();
  dirty.add(["a", "b"]);
  dirty.add(["a"]);
  dirty.onceRead(() => told.push("done"));
  dirty.add(["c"]);
  await settled();
  expect(told).toEqual(["a b", "done", "c"]);
});

test("one word of the push is spared where the feed told of the key, and made up for before the next proof", async () => {
  const { dirty, told } = begin();
  dirty.toldByFeed("a");
  dirty.add(["a", "b"]);
  await settled();
  expect(told).toEqual(["b"]);
  dirty.add(["a"]); // somebody else wrote it since
  await settled();
  expect(told).toEqual(["b", "a"]);
  dirty.onceRead(() => told.push("done"));
  await settled();
  expect(told).toEqual(["b", "a", "a", "done"]);
});

test("nothing is put off that somebody waits for, though the feed tells of it meanwhile", async () => {
  const { dirty, told } = begin();
  dirty.toldByFeed("a");
  dirty.add(["a"]);
  await settled();
  dirty.onceRead(() => told.push("done"));
  dirty.toldByFeed("a");
  await settled();
  expect(told).toEqual(["a", "done"]);
});

test("what failed is tried again before anybody is told", async () => {
  const { dirty, told, store } = begin();
  store.fail = true;
  dirty.add(["a"]);
  dirty.onceRead(() => told.push("done"));
  await settled();
  expect(told).toEqual([]);
  store.fail = false;
  await until("it to be read", () => told.length === 2);
  expect(told).toEqual(["a", "done"]);
});

test("what was cleared is read by nobody, and nobody is told", async () => {
  const { dirty, told } = begin();
  dirty.add(["a"]);
  dirty.onceRead(() => told.push("done"));
  dirty.clear();
  await settled();
  expect(told).toEqual([]);
});
