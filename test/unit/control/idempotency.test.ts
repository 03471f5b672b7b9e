// One request under one key is done once, whether repeated later, at the same time, by somebody else or after a
// failure.
import { describe, expect, test, vi } from "vitest";
import { answerOnce } from "../../../src/control/idempotency.ts";
import type { Problem } from "../../../src/control/problem.ts";
import { err, ok, type Result } from "../../../src/core/result.ts";
import { createMemoryStore } from "../../../src/revocation/memory/store.ts";
import { realClock } from "../../support/control-plane.ts";

const STORE_FAULT: Problem = { code: "store_unavailable" };

type Work = () => Promise<Result<string, Problem>>;

function room() {
  const store = createMemoryStore({ clock: realClock, keyPrefix: "" });
  let doneCount = 0;
  const work = vi.fn<Work>(async () => ok(`answer ${(doneCount += 1)}`));
  const ask = (caller: string, key: string, request: readonly unknown[], as: Work = work) =>
    answerOnce(store, { caller, key, request, keepMs: 60_000 }, as);
  return { store, work, ask };
}

test("the same request under the same key is done once and answered alike", async () => {
  const { ask, work } = room();
  expect(await ask("ci", "k", ["a"])).toEqual(ok("answer 1"));
  expect(await ask("ci", "k", ["a"])).toEqual(ok("answer 1"));
  expect(work).toHaveBeenCalledTimes(1);
});

test("an answer is given again for as long as it is to be kept, and the request is done anew after that", async () => {
  let wallMs = 1_800_000_000_000;
  const store = createMemoryStore({ clock: { now: () => ({ monotonicMs: 0, wallMs }) }, keyPrefix: "" });
  let doneCount = 0;
  const ask = () =>
    answerOnce(store, { caller: "ci", key: "k", request: ["a"], keepMs: 3_600_000 }, async () =>
      ok(`answer ${(doneCount += 1)}`),
    );
  expect(await ask()).toEqual(ok("answer 1"));
  wallMs += 3_599_000;
  expect(await ask()).toEqual(ok("answer 1"));
  wallMs += 2_000;
  expect(await ask()).toEqual(ok("answer 2"));
});

test("another request under the same key is refused", async () => {
  const { ask, work } = room();
  await ask("ci", "k", ["a"]);
  expect(await ask("ci", "k", ["b"])).toEqual(err({ code: "idempotency_key_reused" }));
  expect(work).toHaveBeenCalledTimes(1);
});

test("a key belongs to its caller: another's same key neither replays nor clashes", async () => {
  const { ask } = room();
  expect(await ask("ci", "k", ["a"])).toEqual(ok("answer 1"));
  expect(await ask("desk", "k", ["b"])).toEqual(ok("answer 2"));
  expect(await ask("c", "ik", ["a"])).toEqual(ok("answer 3"));
});

test("while the first is being worked on the second is told to come again, and is not done twice", async () => {
  const { ask, work } = room();
  let finish: (outcome: Result<string, Problem>) => void = () => undefined;
  const slow = vi.fn<Work>(() => new Promise((resolve) => (finish = resolve)));
  const first = ask("ci", "k", ["a"], slow);
  await vi.waitFor(() => expect(slow).toHaveBeenCalled());
  expect(await ask("ci", "k", ["a"])).toMatchObject({ ok: false, error: { code: "request_in_progress" } });
  finish(ok("at last"));
  expect(await first).toEqual(ok("at last"));
  expect(await ask("ci", "k", ["a"])).toEqual(ok("at last"));
  expect(work).not.toHaveBeenCalled();
});

describe("who can wait for the first one", () => {
  /** The first is being worked on and ends so, while a second waits. */
  async function bothToldWhen(ending: Result<string, Problem>) {
    const { store, work } = room();
    const once = { caller: "ci", key: "k", request: ["a"], keepMs: 60_000, waits: true };
    let finish: (outcome: Result<string, Problem>) => void = () => undefined;
    const slow = vi.fn<Work>(() => new Promise((resolve) => (finish = resolve)));
    const first = answerOnce(store, once, slow);
    await vi.waitFor(() => expect(slow).toHaveBeenCalled());
    const second = answerOnce(store, once, work);
    await new Promise(setImmediate);
    finish(ending);
    return { told: await Promise.all([first, second]), work };
  }

  test("is given its answer", async () => {
    const { told, work } = await bothToldWhen(ok("at last"));
    expect(told).toEqual([ok("at last"), ok("at last")]);
    expect(work).not.toHaveBeenCalled();
  });

  test("does it himself where that fails", async () => {
    const { told } = await bothToldWhen(err(STORE_FAULT));
    expect(told).toEqual([err(STORE_FAULT), ok("answer 1")]);
  });
});

test("a failure frees the key, so that the same request may be tried again", async () => {
  const { ask } = room();
  expect(await ask("ci", "k", ["a"], async () => err(STORE_FAULT))).toEqual(err(STORE_FAULT));
  expect(await ask("ci", "k", ["a"])).toEqual(ok("answer 1"));
});

test("a bug in the work frees the key too", async () => {
  const { ask } = room();
  const broken: Work = () => Promise.reject(new Error("bug"));
  await expect(ask("ci", "k", ["a"], broken)).rejects.toThrow("bug");
  expect(await ask("ci", "k", ["a"])).toEqual(ok("answer 1"));
});

test("with the store out nothing is done, for nobody could tell a repetition", async () => {
  const { ask, store, work } = room();
  await store.stop();
  expect(await ask("ci", "k", ["a"])).toMatchObject({ ok: false, error: { code: "store_unavailable" } });
  expect(work).not.toHaveBeenCalled();
});
