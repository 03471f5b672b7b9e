// Server-sent events come out the same however the network cuts them, and whatever line ends the server writes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSseParser, type SentEvent } from "../../src/commands/sse.ts";

const word = fc.string({ unit: fc.constantFrom("a", ":", " ", "é", "\u{1F600}", "{", "\uFEFF"), maxLength: 6 });
const written = fc.record({
  name: fc.option(word, { nil: undefined }),
  id: fc.option(word, { nil: undefined }),
  data: fc.array(word, { minLength: 1, maxLength: 3 }),
  comment: fc.option(word, { nil: undefined }),
  isSpaced: fc.boolean(),
});
type Written = typeof written extends fc.Arbitrary<infer T> ? T : never;

function linesOf({ name, id, data, comment, isSpaced }: Written): readonly string[] {
  // One space after the colon is no part of the value: where it is left out, the value must not begin with one.
  const field = (label: string, value: string): string =>
    `${label}:${isSpaced || value.startsWith(" ") ? " " : ""}${value}`;
  return [
    ...(comment === undefined ? [] : [`:${comment}`]),
    ...(id === undefined ? [] : [field("id", id)]),
    ...(name === undefined ? [] : [field("event", name)]),
    ...data.map((line) => field("data", line)),
    "other: ignored",
    "",
  ];
}

/** Mixed as a stream may have them: a lone \r before an empty line that ends in \n would be one line end. */
const lineEnds = fc
  .constantFrom(["\n", "\r\n"], ["\r", "\r\n"])
  .chain((ends) => fc.array(fc.constantFrom(...ends), { minLength: 1 }));

/** `text` cut at random places. */
function cutUp(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((end, i) => text.slice(places[i], end));
}

function parsed(chunks: readonly string[]): { events: readonly SentEvent[]; lastEventId: string } {
  const parser = createSseParser();
  const events = chunks.flatMap((chunk) => {
    const found = parser.push(chunk);
    if (found === "too large") throw new Error(found);
    return found;
  });
  return { events, lastEventId: parser.lastEventId() };
}

test("however a stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(written, { maxLength: 8 }),
      lineEnds,
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.boolean(),
      (events, ends, cuts, hasMark) => {
        const lines = events.flatMap(linesOf);
        const text = lines.map((line, i) => line + (ends[i % ends.length] ?? "\n")).join("");
        const expected = events.map(({ name, data }) => ({ name: name || "message", data: data.join("\n") }));
        const whole = parsed(cutUp(`${hasMark ? "\uFEFF" : ""}${text}`, cuts));
        expect(whole.events).toEqual(expected);
        expect(whole.lastEventId).toBe(events.findLast(({ id }) => id !== undefined)?.id ?? "");
        expect(parsed([...text])).toEqual(parsed([text]));
      },
    ),
    { numRuns: 500 },
  );
});

test("an event that is not ended is none, and its id does not count", () => {
  const parser = createSseParser("7");
  expect(parser.push("id: 8\ndata: x\n")).toEqual([]);
  expect(parser.lastEventId()).toBe("7");
  expect(parser.push("\n")).toEqual([{ name: "message", data: "x" }]);
  expect(parser.lastEventId()).toBe("8");
});

test("an id with a NUL is none; an empty one forgets; retry takes digits only", () => {
  const parser = createSseParser("7");
  parser.push("id: 8\0\nretry: 12x\n\n");
  expect([parser.lastEventId(), parser.retryMs()]).toEqual(["7", undefined]);
  parser.push("id\nretry: 2000\n\n");
  expect([parser.lastEventId(), parser.retryMs()]).toEqual(["", 2000]);
});

test.each([
  ["a line", "x".repeat(65_536)],
  ["an event", `data: ${"x".repeat(65_536)}\n`],
])("%s without end is given up", (_, chunk) => {
  const parser = createSseParser();
  const said = Array.from({ length: 17 }, () => parser.push(chunk));
  expect(said.at(-1)).toBe("too large");
});
