// What the replica's table promises of its size, and what it leaves to the store.

import { expect, test } from "vitest";
import { createFingerprints } from "../../../../src/revocation/replica/fingerprint.ts";
import { MarkerTable } from "../../../../src/revocation/replica/table.ts";

const MIB = 1_048_576;

function randomWords(count: number): Int32Array {
  const words = new Int32Array(count * 4);
  for (let i = 0; i < count * 4; i += 16_384) crypto.getRandomValues(words.subarray(i, i + 16_384));
  return words;
}

test("a million live entries take at most 64 MiB, at every moment of growing, and shrink again when they expire", () => {
  const table = new MarkerTable();
  const words = randomWords(1_000_000);
  const meaning = { issuedBeforeS: Infinity, expiresAtS: 10, revocationId: undefined };
  for (let i = 0; i < 1_000_000; i += 1) {
    table.set(words, i * 4, meaning, 1);
    if (i > 50_000 && i % 50_000 === 0) expect(table.bytes / table.size).toBeLessThan((64 * MIB) / 1_000_000);
  }
  expect(table.size).toBe(1_000_000);
  expect(table.bytes).toBeLessThanOrEqual(64 * MIB);
  let next = 0;
  do next = table.sweep(next, 64, 10, undefined);
  while (next !== 0);
  expect(table.size).toBe(0);
  expect(table.bytes).toBeLessThan(MIB);
}, 60_000);

test.each([1.5, -1, 4_294_967_293, 4_294_967_294, 4_294_967_295, 1e15, NaN])(
  "a watermark of %d is left to the store",
  (issuedBeforeS) => {
    const table = new MarkerTable();
    const words = createFingerprints().of(["k"]);
    table.set(words, 0, { issuedBeforeS, expiresAtS: 0, revocationId: "by hand" }, 1);
    expect(table.issuedBeforeS(words, 0, 0)).toBe(NaN);
    expect(table.revocationId(words, 0)).toBeUndefined();
  },
);

test("fingerprints of two processes differ, so that none can be crafted", () => {
  expect(createFingerprints().of(["k"])).not.toEqual(createFingerprints().of(["k"]));
});
