// Replies as a random test makes them: right ones, and what a proxy, a bug or an enemy in Redis' place may say instead.

import * as fc from "fast-check";
import type { Resp } from "./resp-server.ts";

const ERROR_CODES = ["ERR", "LOADING", "MOVED 1 127.0.0.1:1", "OOM", "READONLY", "NOPERM", "TRYAGAIN", "what", ""];

/** What no reply that is read here holds. */
const odd: fc.Arbitrary<Resp> = fc.oneof(
  fc.integer(),
  fc.constantFrom(...ERROR_CODES).map((code) => ({ error: `${code} said so` })),
  fc.constant([]),
  fc.array(fc.oneof(fc.constant("1"), fc.constant(null), fc.nat()), { maxLength: 3 }),
  // An array that is nil; a number beyond every number of ours; one that is none.
  fc.constantFrom("*-1\r\n", ":99999999999999999999999999\r\n", ":\r\n").map((raw) => ({ raw })),
);

const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "1",
    "1760000000",
    "-1",
    "1e3",
    "x",
    '{"v":1,"issued_before":1760000000}',
    "\0",
    "é\u{1f600}",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constant("9".repeat(5_000)),
);

/** A text, and now and then anything. */
export const oddText: fc.Arbitrary<Resp> = fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: odd });

/** Anything at all. */
export const oddReply: fc.Arbitrary<Resp> = fc.oneof(
  odd,
  text,
  fc.constant(null),
  fc.constantFrom("OK", "PONG", "QUEUED").map((status) => ({ status })),
  fc.array(fc.oneof(odd, text, fc.constant(null)), { maxLength: 6 }),
  fc.array(fc.array(fc.oneof(odd, text, fc.constant(null), fc.array(fc.oneof(odd, text))), { maxLength: 4 }), {
    maxLength: 3,
  }),
);

/** `right` mostly; else with some of its members, at any depth, in another's place, missing or twice; or anything. */
export function oddly(right: fc.Arbitrary<Resp>): fc.Arbitrary<Resp> {
  return fc.oneof(
    { weight: 3, arbitrary: right },
    {
      weight: 4,
      arbitrary: fc
        .tuple(right, fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.oneof(odd, text, fc.constant(null))), { maxLength: 2 }))
        .map(([reply, changes]) =>
          changes.reduce((told, [place, how, instead]) => changed(told, place, how, instead), reply),
        ),
    },
    { weight: 2, arbitrary: oddReply },
  );
}

function changed(reply: Resp, place: number, how: number, instead: Resp): Resp {
  if (!Array.isArray(reply) || reply.length === 0) return instead;
  const members = reply as readonly Resp[];
  const at = place % members.length;
  const member = members[at] ?? null;
  if (how === 0 && Array.isArray(member)) {
    return members.with(at, changed(member, Math.floor(place / members.length), place % 4, instead));
  }
  if (how === 1) return members.toSpliced(at, 1);
  if (how === 2) return members.toSpliced(at, 0, member);
  return members.with(at, instead);
}
