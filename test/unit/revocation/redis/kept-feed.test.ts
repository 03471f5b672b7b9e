// What a control plane remembers of the feed, and what of it a store has lost.
import { describe, expect, test } from "vitest";
import { KeptFeed, netOf, type KeptEntry } from "../../../../src/revocation/redis/kept-feed.ts";

function entry(seq: number, key = `k${seq}`, op: KeptEntry["op"] = "put"): KeptEntry {
  const place = { epoch: "e", seq, link: `l${seq}`, previousLink: seq === 1 ? "" : `l${seq - 1}` };
  return { ...place, op, key, value: `v${seq}`, till: "", name: "", wait: "" };
}

function keptUpTo(last: number): KeptFeed {
  const kept = new KeptFeed();
  for (let seq = 1; seq <= last; seq += 1) kept.keep(entry(seq), 0);
  return kept;
}

const logOf = (...seqs: readonly number[]): Map<number, string> => new Map(seqs.map((seq) => [seq, `l${seq}`]));
const seqsOf = (entries: readonly KeptEntry[]): readonly number[] => entries.map(({ seq }) => seq);

describe("what a store has lost", () => {
  test("is nothing where its log has the last entry, trimmed or not", () => {
    expect(keptUpTo(4).lostFrom("e", logOf(1, 2, 3, 4)).entries).toEqual([]);
    expect(keptUpTo(4).lostFrom("e", logOf(4, 5, 6)).entries).toEqual([]);
  });

  test("is what comes after the newest entry that is there", () => {
    expect(seqsOf(keptUpTo(4).lostFrom("e", logOf(1, 2)).entries)).toEqual([3, 4]);
    expect(seqsOf(keptUpTo(4).lostFrom("e", logOf()).entries)).toEqual([1, 2, 3, 4]);
  });

  test("is nothing where all of it was trimmed away; another epoch's log does not show that", () => {
    expect(keptUpTo(4).lostFrom("e", logOf(6, 7)).entries).toEqual([]);
    expect(seqsOf(keptUpTo(4).lostFrom("f", logOf(6, 7)).entries)).toEqual([1, 2, 3, 4]);
  });

  test("is told by links: the same seqs of another history are not there", () => {
    const links = logOf(1, 2);
    for (const seq of [3, 4, 5]) links.set(seq, `other${seq}`);
    expect(seqsOf(keptUpTo(4).lostFrom("e", links).entries)).toEqual([3, 4]);
  });
});

describe("what is remembered", () => {
  test("ends after ten minutes, and at 20,000 entries", () => {
    const kept = new KeptFeed();
    for (let seq = 1; seq <= 2_000; seq += 1) kept.keep(entry(seq), 0);
    kept.keep(entry(2_001), 599_999);
    expect(kept.first?.seq).toBe(1);
    kept.keep(entry(2_002), 600_001);
    expect(kept.first?.seq).toBe(2_001);
    const many = keptUpTo(21_000);
    expect(many.first?.seq).toBeGreaterThan(1);
    expect(many.last?.seq).toBe(21_000);
  });
});

test("the last word on each key is what counts, in the order of those last words", () => {
  const told = [entry(1, "a"), entry(2, "b"), entry(3, "a", "lift"), entry(4, "c")];
  expect(seqsOf(netOf(told))).toEqual([2, 3, 4]);
});
