// A store in parts: what each answers is joined, and what one does not say is never made up from the others.
import { beforeEach, describe, expect, test } from "vitest";
import type { Instant } from "../../../src/core/clock.ts";
import type { LookUpAnswer } from "../../../src/revocation/look-up.ts";
import { createShardedLookUp, type ShardedLookUp } from "../../../src/revocation/sharded-look-up.ts";

const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: 1_000_000 + ms });

let parts: string[];
let nowMs: number;
let ticks: (() => void)[];
let opened: string[];
let closed: string[];
let asked: { readonly name: string; readonly keys: readonly string[]; readonly done: (answer: LookUpAnswer) => void }[];
let lastAnswers: Record<string, Instant | undefined>;
let sharded: ShardedLookUp;

beforeEach(() => {
  [parts, nowMs, ticks, opened, closed, asked, lastAnswers] = [["a", "b"], 0, [], [], [], [], {}];
  sharded = createShardedLookUp({
    shards: {
      shardOf: (key) => (key.startsWith("?") ? undefined : key[0]),
      list: () => parts.map((name) => ({ name, probeKey: `${name}-probe` })),
      read: () => Promise.reject(new Error("not asked here")),
    },
    clock: { now: () => at(nowMs) },
    schedule: {
      immediate: (task) => task(),
      every(_, task) {
        ticks.push(task);
        return () => void (ticks = ticks.filter((one) => one !== task));
      },
    },
    open(name, probeKey) {
      opened.push(`${name} by ${probeKey ?? "nothing"}`);
      return {
        lookUp: {
          lookUp: (keys, _deadlineAtMs, _span, done) => void asked.push({ name, keys, done }),
          lastAnswerAt: () => lastAnswers[name],
        },
        breakerState: () => (name === "b" ? "open" : "closed"),
        stop: () => void closed.push(name),
      };
    },
  });
});

function lookUp(...keys: readonly string[]): { answer: LookUpAnswer | undefined } {
  const told: { answer: LookUpAnswer | undefined } = { answer: undefined };
  sharded.lookUp(keys, 100, undefined, (answer) => {
    expect(told.answer).toBeUndefined();
    told.answer = answer;
  });
  return told;
}

const answer = (name: string, told: LookUpAnswer): void => asked.find((one) => one.name === name)?.done(told);

describe("a look-up over several parts", () => {
  test("is answered once all are, in the order of its keys, and is as old as the oldest", () => {
    const told = lookUp("a1", "b1", "a2");
    expect(asked.map(({ name, keys }) => [name, keys])).toEqual([
      ["a", ["a1", "a2"]],
      ["b", ["b1"]],
    ]);
    answer("a", { ok: true, asOf: at(7), values: ["A1", null] });
    expect(told.answer).toBeUndefined();
    answer("b", { ok: true, asOf: at(5), values: ["B1"] });
    expect(told.answer).toEqual({ ok: true, asOf: at(5), values: ["A1", "B1", null] });
  });

  test("of which one is out is not answered, but tells what was read", () => {
    const told = lookUp("a1", "b1");
    answer("b", { ok: false, cause: "timeout" });
    answer("a", { ok: true, asOf: at(7), values: ["A1"] });
    expect(told.answer).toEqual({ ok: false, cause: "timeout", partly: { asOf: at(7), values: ["A1", null] } });
  });

  test("tells of our own load before anything else, for that must open no door", () => {
    const told = lookUp("a1", "b1");
    answer("a", { ok: false, cause: "breaker_open" });
    answer("b", { ok: false, cause: "overloaded" });
    expect(told.answer).toEqual({ ok: false, cause: "overloaded" });
  });

  test("with a key that nobody holds says so", () => {
    const told = lookUp("?", "a1");
    answer("a", { ok: true, asOf: at(1), values: [null] });
    expect(told.answer).toMatchObject({ ok: false, cause: "cluster_down" });
  });
});

describe("when it was last answered", () => {
  test("is the oldest of the parts that a look-up needs, and nothing where one never did", () => {
    lastAnswers = { a: at(9) };
    expect(sharded.lastAnswerAt(["a1"])).toEqual(at(9));
    expect(sharded.lastAnswerAt(["a1", "b1"])).toBeUndefined();
    lastAnswers = { a: at(9), b: at(4) };
    expect(sharded.lastAnswerAt(["a1", "b1"])).toEqual(at(4));
    expect(sharded.lastAnswerAt(["a1", "?"])).toBeUndefined();
    expect(sharded.lastAnswerAt()).toEqual(at(9));
  });
});

describe("parts", () => {
  test("are opened as they come, and closed some time after they went", () => {
    expect(opened).toEqual(["a by a-probe", "b by b-probe"]);
    expect(sharded.breakerState()).toBe("open");
    parts = ["a", "c"];
    nowMs = 1_000;
    for (const tick of ticks) tick();
    expect(opened.at(-1)).toBe("c by c-probe");
    expect(closed).toEqual([]);
    nowMs = 6_000;
    for (const tick of ticks) tick();
    expect(closed).toEqual(["b"]);
    expect(sharded.breakerState()).toBe("closed");
    sharded.stop();
    expect(closed.toSorted()).toEqual(["a", "b", "c"]);
    expect(ticks).toEqual([]);
  });

  test("one between two, for slots on their way, is opened by who asks and asks for nothing itself", () => {
    parts = ["a"];
    lookUp("z1");
    expect(opened.at(-1)).toBe("z by nothing");
  });
});
