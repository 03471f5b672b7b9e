// A batch's lines don't depend on how its bytes were cut, and one that is too long is told without being kept.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineCutter, type Line } from "../../../../src/control/batch/lines.ts";

function cut(chunks: readonly Buffer[], maxLineBytes: number): readonly Line[] {
  const cutter = createLineCutter(maxLineBytes);
  return [...chunks.flatMap((chunk) => cutter.push(chunk)), ...cutter.end()];
}

test("lines are the same wherever the chunks end, and one over the bound is told by its number alone", () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x0a, 0x61, 0xff, 0x0d), { maxLength: 60 });
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(60), { maxLength: 8 }), fc.integer({ min: 0, max: 6 }), (all, cuts, max) => {
      const whole = Buffer.from(all);
      const ends = [...cuts.filter((end) => end < whole.length), whole.length].toSorted((a, b) => a - b);
      const chunks = ends.map((end, i) => whole.subarray(i === 0 ? 0 : ends[i - 1], end));
      const expected = whole.toString("latin1").split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(cut(chunks, max).map(({ number, bytes: line }) => [number, line?.toString("latin1")])).toEqual(
        expected.map((line, i) => [i + 1, line.length > max ? undefined : line]),
      );
    }),
  );
});
