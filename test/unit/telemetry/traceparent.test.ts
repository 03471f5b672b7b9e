// What is read of a traceparent header, and what of damaged ones: no parent, never a throw.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTraceparent } from "../../../src/telemetry/traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test("a sampled parent is read with its ids, whatever other flags are set", () => {
  const parent = { kind: "sampled", traceId: TRACE, spanId: SPAN };
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual(parent);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-03`)).toEqual(parent);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)).toEqual(parent);
});

test("an unsampled parent costs no object", () => {
  const first = parseTraceparent(`00-${TRACE}-${SPAN}-00`);
  expect(first).toEqual({ kind: "unsampled" });
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)).toBe(first);
});

test("a later version is read as far as it is known (W3C Trace Context §4.3)", () => {
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-01`)).toMatchObject({ kind: "sampled" });
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`)).toMatchObject({ kind: "sampled" });
});

describe("what is not exactly a traceparent is nobody's parent", () => {
  test.each([
    ["nothing", undefined],
    ["an empty one", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["version 00 with more behind", `00-${TRACE}-${SPAN}-01-more`],
    ["a later version with more behind, not after a dash", `01-${TRACE}-${SPAN}-01.more`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["a span of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["other dashes", `00_${TRACE}_${SPAN}_01`],
    ["a short trace", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["a long trace", `00-${TRACE}0-${SPAN}-01`],
    ["flags that are no hex", `00-${TRACE}-${SPAN}-0g`],
    ["space before", ` 00-${TRACE}-${SPAN}-01`],
    ["space after", `00-${TRACE}-${SPAN}-01 `],
    ["two of them, comma-joined", `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
  ])("%s", (_what, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  test("no text at all makes it throw or give ids that are not hex", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 80 }),
          fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
        ),
        (header) => {
          const parent = parseTraceparent(header);
          if (parent?.kind !== "sampled") return;
          expect(header.slice(3)).toMatch(new RegExp(`^${parent.traceId}-${parent.spanId}-`));
          expect(parent.traceId).toMatch(/^[0-9a-f]{32}$/);
        },
      ),
    );
  });
});
