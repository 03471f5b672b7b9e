// Measures the replica's table by itself: bytes, time of a write and of a look-up, and the longest pause while a million
// entries are loaded, grown and forgotten. Prints one table; `node bench/replica.ts`.

import { createFingerprints } from "../src/revocation/replica/fingerprint.ts";
import { MarkerTable } from "../src/revocation/replica/table.ts";

const COUNT = 1_000_000;
const MIB = 1_048_576;
const meaning = { issuedBeforeS: Infinity, expiresAtS: 10, revocationId: "01990000-0000-7000-8000-000000000000" };

function measure(times: number, each: (i: number) => void): { readonly meanNs: number; readonly longestMs: number } {
  let longestMs = 0;
  const began = performance.now();
  for (let i = 0, before = began; i < times; i += 1) {
    each(i);
    const now = performance.now();
    longestMs = Math.max(longestMs, now - before);
    before = now;
  }
  return { meanNs: ((performance.now() - began) / times) * 1e6, longestMs };
}

const fingerprints = createFingerprints();
const table = new MarkerTable();
const words = new Int32Array(COUNT * 4);
const name = (i: number): string => `revoked:jti:main:01990000-0000-7000-8000-${String(i).padStart(12, "0")}`;
const hashing = measure(COUNT, (i) => words.set(fingerprints.of([name(i)]), i * 4));
const writing = measure(COUNT, (i) => table.set(words, i * 4, meaning, 1));
const mib = table.bytes / MIB;
const order = Int32Array.from({ length: COUNT }, () => Math.floor(Math.random() * COUNT) * 4);
const found = measure(COUNT, (i) => table.issuedBeforeS(words, order[i] as number, 0));
const absent = fingerprints.of(Array.from({ length: 100_000 }, (_, i) => `absent:${i}`));
const missed = measure(COUNT, (i) => table.issuedBeforeS(absent, (i % 100_000) * 4, 0));
let next = 0;
const sweeping = measure(128, () => (next = table.sweep(next, 8, 10, undefined)));

process.stdout.write(
  [
    `entries                 ${COUNT}`,
    `table                   ${mib.toFixed(1)} MiB, ${((mib * MIB) / COUNT).toFixed(1)} B an entry`,
    `fingerprint             ${hashing.meanNs.toFixed(0)} ns`,
    `write                   ${writing.meanNs.toFixed(0)} ns, longest ${writing.longestMs.toFixed(2)} ms`,
    `look-up, found          ${found.meanNs.toFixed(0)} ns`,
    `look-up, absent         ${missed.meanNs.toFixed(0)} ns`,
    `expiring, a step        ${(sweeping.meanNs / 1e6).toFixed(2)} ms, longest ${sweeping.longestMs.toFixed(2)} ms`,
    "",
  ].join("\n"),
);
