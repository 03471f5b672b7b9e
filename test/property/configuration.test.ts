// A damaged configuration file is refused with problems that a person finds in it, or it loads: never anything else, and
// never with what a good one could not hold.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { READINGS } from "../../src/commands/readings.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { runs } from "../support/fuzz-time.ts";

const FULL = readFileSync(new URL("../unit/config/fixtures/full.yaml", import.meta.url), "utf8");
const WORDS = FULL.split(/[\s:,{}[\]"]+/).filter((word) => word !== "");

/** Short enough that a file of a page never gets there, however slow the machine. */
const LOADED_WITHIN_MS = 5_000;

const pieces = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.constantFrom(
    ..."{}[]:,-?*&!|>'\"#%@`\n \t0".split(""),
    "\n  ",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "!!js ",
    "${",
    "${A:-b}",
  ),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("1e400", "-0", "0x10", ".nan", "~", "99999999999999999999", "5m", "-1s", "16KiB", "\u0000", "\ufeff"),
);
const damage = fc.record({ at: fc.nat(FULL.length), insert: pieces, remove: fc.nat(12) });

test("what is wrong stands on a line that the file has, and a file that loads has tiers, rules and issuers in order", () => {
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 5 }), (damages) => {
      let text = FULL;
      for (const { at, insert, remove } of damages) text = text.slice(0, at) + insert + text.slice(at + remove);
      const begin = performance.now();
      const loaded = loadConfig("/etc/portcullis.yaml", text, { A: "a" }, { readings: READINGS });
      expect(performance.now() - begin).toBeLessThan(LOADED_WITHIN_MS);
      if (loaded.ok) {
        const { issuers, tiers } = loaded.value.config;
        expect(issuers.length).toBeGreaterThan(0);
        expect(tiers.length).toBeGreaterThan(0);
        return;
      }
      expect(loaded.error.length).toBeGreaterThan(0);
      const lineCount = text.split(/\r\n|\r|\n/).length;
      for (const problem of loaded.error) {
        expect(problem.line, formatProblem(problem)).toBeLessThanOrEqual(lineCount);
        expect(problem.line).toBeGreaterThanOrEqual(1);
        expect(problem.column).toBeGreaterThanOrEqual(1);
        expect(formatProblem(problem)).not.toMatch(/[\n\r]/);
      }
    }),
    runs(300),
  );
});
