// The replica's table against a Map: any run of writes, lifts and sweeps leaves both with the same.

import { assert, constantFrom, integer, option, oneof, constant, record, array, uuid, property } from "fast-check";
import { expect, test } from "vitest";
import { createFingerprints } from "../../src/revocation/replica/fingerprint.ts";
import type { Meaning } from "../../src/revocation/replica/record.ts";
import { ABSENT, MarkerTable } from "../../src/revocation/replica/table.ts";

/** Few names, so that they meet; and all in one shard's way at times. */
const names = integer({ min: 0, max: 400 }).map((n) => `key-${n}`);
const meanings = record({
  issuedBeforeS: oneof(constantFrom(Infinity, NaN, 0, 1, 4_294_967_292), integer({ min: 0, max: 4_102_444_800 })),
  expiresAtS: oneof(constant(0), integer({ min: 1, max: 100 })),
  revocationId: option(uuid(), { nil: undefined }),
});
const steps = array(
  oneof(
    {
      weight: 6,
      arbitrary: record({
        kind: constant("set" as const),
        name: names,
        meaning: meanings,
        generation: constantFrom(1, 2),
      }),
    },
    { weight: 2, arbitrary: record({ kind: constant("delete" as const), name: names }) },
    {
      weight: 1,
      arbitrary: record({
        kind: constant("sweep" as const),
        nowS: integer({ min: 0, max: 100 }),
        generation: constantFrom(undefined, 1, 2),
      }),
    },
  ),
  { maxLength: 600 },
);

const fingerprints = createFingerprints();
/** The same first and last word for all: every key in one shard, every key with one home. */
const crowded = (name: string): Int32Array => {
  const words = fingerprints.of([name]);
  words[0] = 7;
  words[3] = 0;
  return words;
};
const spread = (name: string): Int32Array => fingerprints.of([name]);

test.each([
  ["spread", spread],
  ["crowded into one place", crowded],
] as const)("answers as a Map does, keys %s", (_, wordsOf) => {
  assert(
    property(steps, (run) => {
      const table = new MarkerTable();
      const map = new Map<string, { meaning: Meaning; generation: number }>();
      for (const step of run) {
        if (step.kind === "set") {
          table.set(wordsOf(step.name), 0, step.meaning, step.generation);
          map.set(step.name, step);
        } else if (step.kind === "delete") {
          table.delete(wordsOf(step.name), 0);
          map.delete(step.name);
        } else {
          let next = 0;
          do next = table.sweep(next, 64, step.nowS, step.generation);
          while (next !== 0);
          for (const [name, { meaning, generation }] of map) {
            const over = meaning.expiresAtS !== 0 && meaning.expiresAtS <= step.nowS;
            if (over || (step.generation !== undefined && generation !== step.generation)) map.delete(name);
          }
        }
      }
      expect(table.size).toBe(map.size);
      for (let n = 0; n <= 400; n += 1) {
        const held = map.get(`key-${n}`)?.meaning;
        const words = wordsOf(`key-${n}`);
        expect(table.issuedBeforeS(words, 0, 0)).toBe(held?.issuedBeforeS ?? ABSENT);
        expect(table.issuedBeforeS(words, 0, 100)).toBe(held?.expiresAtS === 0 ? held.issuedBeforeS : ABSENT);
        expect(table.revocationId(words, 0)).toBe(held?.revocationId);
      }
    }),
    { numRuns: 150 },
  );
});
