// Whatever stands under a marker's key, whoever wrote it: an existence kind revokes, a watermark revokes, spares or cannot
// be read, and nothing that cannot be read is ever taken for "not revoked".
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TARGET_KINDS } from "../../src/core/target.ts";
import { judge } from "../../src/revocation/judge.ts";
import { markerFacts } from "../../src/revocation/marker-facts.ts";
import { runs } from "../support/fuzz-time.ts";
import { standingUnder } from "../support/marker-value.ts";

const member = fc.constantFrom("v", "id", "seq", "issued_before", "reason", "by", "at", "__proto__", "constructor");
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, 1e21, 2 ** 53, 1_760_000_000));
const value = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(..."0123456789-+.eE _x"), maxLength: 20 }),
  number.map(String),
  fc.jsonValue().map((json) => JSON.stringify(json)),
  fc.dictionary(member, fc.oneof(number, fc.string(), fc.jsonValue())).map((told) => JSON.stringify(told)),
  fc.tuple(fc.dictionary(member, number), fc.nat(40)).map(([told, end]) => JSON.stringify(told).slice(0, end)),
);

test("a value is judged by the letter of its document", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...TARGET_KINDS), fc.option(value)), { maxLength: 8 }),
      fc.integer({ min: 0, max: 4_102_444_800 }),
      (markers, issuedAtS) => {
        const judged = judge(
          markers.map(([kind]) => kind),
          issuedAtS,
          markers.map(([, text]) => text),
        );
        expect(judged.state).toBe(standingUnder(markers, issuedAtS));
      },
    ),
    runs(5_000),
  );
});

test("what a value tells of itself is of the type it should be, or is not told", () => {
  fc.assert(
    fc.property(value, (text) => {
      const { id, seq, issuedBeforeS, reason, by, atMs } = markerFacts(text);
      expect([id, reason, by].every((told) => told === undefined || typeof told === "string")).toBe(true);
      expect([seq, atMs].every((told) => told === undefined || Number.isSafeInteger(told))).toBe(true);
      expect(issuedBeforeS === undefined || Number.isFinite(issuedBeforeS)).toBe(true);
      expect(id).not.toBe("");
    }),
    runs(5_000),
  );
});
