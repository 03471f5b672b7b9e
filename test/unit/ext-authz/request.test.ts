// What is read of a CheckRequest's bytes, field by field, in odd encodings and damaged ones.
import { describe, expect, test } from "vitest";
import { readAuthzRequest } from "../../../src/ext-authz/request.ts";
import { watchHeaders } from "../../../src/ext-authz/watched-headers.ts";
import { bytesField, stringField, varintField } from "../../../src/ext-authz/protobuf-writer.ts";

const watched = watchHeaders(["x-auth-subject-of-token"]);
const HTTP = bytesField(4, bytesField(2, stringField(4, "/orders")));

/** A CheckRequest whose AttributeContext has `field` behind the HTTP request. */
function withAttribute(field: Buffer): ReturnType<typeof readAuthzRequest> {
  return readAuthzRequest(bytesField(1, HTTP, field), watched);
}

const groupStart = (field: number): Buffer => Buffer.from([field * 8 + 3]);
const groupEnd = (field: number): Buffer => Buffer.from([field * 8 + 4]);

describe("a field nobody knows is stepped over", () => {
  test.each([
    ["a group", Buffer.concat([groupStart(9), varintField(1, 300), groupEnd(9)])],
    ["a group in a group", Buffer.concat([groupStart(9), groupStart(8), groupEnd(8), groupEnd(9)])],
    ["a varint of 64 bits", Buffer.from([9 * 8, ...Array.from({ length: 9 }, () => 0xff), 0x01])],
    ["a fixed32", Buffer.from([9 * 8 + 5, 1, 2, 3, 4])],
    ["a fixed64", Buffer.from([9 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8])],
    ["a field we know, of another wire type", varintField(4, 1)],
  ])("%s", (_what, field) => {
    expect(withAttribute(field)?.path).toBe("/orders");
  });
});

describe("hazard 5: damaged protobuf is no request at all", () => {
  test.each([
    ["a group that another one ends", Buffer.concat([groupStart(9), groupEnd(8)])],
    ["a group that nothing ends", Buffer.concat([groupStart(9), varintField(1, 1)])],
    ["the end of a group that never began", groupEnd(9)],
    ["a hundred and one groups in each other", groupsWithin(101)],
    ["a million groups in each other", Buffer.alloc(1_000_000, groupStart(9))],
    ["wire type 6", Buffer.from([9 * 8 + 6])],
    ["wire type 7", Buffer.from([9 * 8 + 7])],
    ["field number 0", Buffer.from([0x02, 0x00])],
    ["a tag of more than 32 bits", Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f])],
    ["a varint without an end", Buffer.from([9 * 8, ...Array.from({ length: 10 }, () => 0xff), 0x01])],
    ["a length beyond the message", Buffer.from([9 * 8 + 2, 0x7f])],
    ["a length of 64 bits", Buffer.from([9 * 8 + 2, ...Array.from({ length: 9 }, () => 0xff), 0x01])],
    ["a fixed64 cut off", Buffer.from([9 * 8 + 1, 1, 2, 3])],
  ])("%s", (_what, field) => {
    expect(withAttribute(field)).toBeUndefined();
  });

  test("groups a hundred deep are still read", () => {
    expect(withAttribute(groupsWithin(100))).toBeDefined();
  });
});

function groupsWithin(depth: number): Buffer {
  return Buffer.concat([
    ...Array.from({ length: depth }, () => groupStart(9)),
    ...Array.from({ length: depth }, () => groupEnd(9)),
  ]);
}

describe("Envoy's word in route metadata", () => {
  const entry = (key: string, ...value: Buffer[]): Buffer =>
    bytesField(1, stringField(1, key), bytesField(2, ...value));
  const metadata = (...value: Buffer[]): Buffer => bytesField(13, entry("portcullis", entry("tier", ...value)));

  test("is the last kind that a value was given", () => {
    const text = stringField(3, "low");
    const number = Buffer.from([0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    expect(withAttribute(metadata(text))?.tiers).toEqual(["low"]);
    expect(withAttribute(metadata(number, text))?.tiers).toEqual(["low"]);
    expect(withAttribute(metadata(text, number))?.tiers).toEqual([""]);
    expect(withAttribute(metadata())?.tiers).toEqual([""]);
  });

  test("is found though the value stands before its key", () => {
    const tier = bytesField(1, bytesField(2, stringField(3, "low")), stringField(1, "tier"));
    const field = bytesField(13, bytesField(1, bytesField(2, tier), stringField(1, "portcullis")));
    expect(withAttribute(field)?.tiers).toEqual(["low"]);
  });

  test("said twice is kept twice, for the stricter to count", () => {
    const twice = bytesField(
      13,
      entry("portcullis", entry("tier", stringField(3, "low")), entry("tier", stringField(3, "critical"))),
    );
    expect(withAttribute(twice)?.tiers).toEqual(["low", "critical"]);
  });

  test("in a value that comes in pieces is kept from each of them", () => {
    const inPieces = bytesField(
      13,
      bytesField(
        1,
        stringField(1, "portcullis"),
        bytesField(2, entry("tier", stringField(3, "critical"))),
        bytesField(2),
      ),
    );
    expect(withAttribute(inPieces)?.tiers).toEqual(["critical"]);
    const tier = bytesField(
      1,
      stringField(1, "tier"),
      bytesField(2, stringField(3, "critical")),
      bytesField(2, stringField(3, "low")),
    );
    expect(withAttribute(bytesField(13, entry("portcullis", tier)))?.tiers).toEqual(["critical", "low"]);
  });

  test("of another namespace is not ours", () => {
    expect(withAttribute(bytesField(13, entry("envoy.lb", entry("tier", stringField(3, "low")))))?.tiers).toEqual([]);
  });
});

describe("a flood of what only an attacker repeats is read in time that grows with its length, and then refused", () => {
  const MANY = 100_000;
  /** A second would do many times over; without a bound each of these takes more than ten. */
  const BOUND_MS = 3_000;
  const header = (name: string): Buffer => bytesField(1, stringField(1, name), stringField(3, "a"));
  const inHeaderMap = (names: Iterable<string>): Buffer =>
    bytesField(1, bytesField(4, bytesField(2, bytesField(13, ...Array.from(names, header)))));
  const extension = (key: string): Buffer => bytesField(10, stringField(1, key), stringField(2, "low"));
  const metadata = bytesField(1, stringField(1, "tier"), bytesField(2, stringField(3, "low")));
  const repeated = (name: string): string[] => Array.from({ length: MANY }, () => name);
  const FLOODS: readonly (readonly [string, Buffer])[] = [
    ["authorization", inHeaderMap(repeated("authorization"))],
    ["traceparent", inHeaderMap(repeated("traceparent"))],
    ["tracestate", inHeaderMap(repeated("tracestate"))],
    ["one spoofed spelling", inHeaderMap(repeated("x_auth_subject_of_token"))],
    ["spoofed spellings, all different", inHeaderMap(Array.from({ length: MANY }, (_, at) => spelling(at)))],
    ["portcullis.tier", bytesField(1, HTTP, ...repeated("portcullis.tier").map(extension))],
    ["portcullis.scopes", bytesField(1, HTTP, ...repeated("portcullis.scopes").map(extension))],
    [
      "tier in route metadata",
      bytesField(
        1,
        HTTP,
        bytesField(13, bytesField(1, stringField(1, "portcullis"), bytesField(2, ...repeated("").map(() => metadata)))),
      ),
    ],
  ];

  /** The letter cases that the bits of `at` say: a million spellings, none of them ours for its underscores. */
  function spelling(at: number): string {
    let bits = at;
    return "x_auth_subject_of_token".replaceAll(/[a-z]/g, (letter) => {
      const isUpper = bits % 2 === 1;
      bits = Math.floor(bits / 2);
      return isUpper ? letter.toUpperCase() : letter;
    });
  }

  test.each(FLOODS)("%s", (_what, bytes) => {
    const beganAt = performance.now();
    expect(readAuthzRequest(bytes, watched)).toBeUndefined();
    expect(performance.now() - beganAt).toBeLessThan(BOUND_MS);
  });

  test("as many as Envoy lets in unless told otherwise are kept whole: no removal is dropped", () => {
    const names = Array.from({ length: 100 }, (_, at) => spelling(at));
    expect(readAuthzRequest(inHeaderMap(names), watched)?.spoofedNames).toEqual(names);
    expect(readAuthzRequest(inHeaderMap([...names, spelling(100)]), watched)).toBeUndefined();
  });

  test("headers nobody reads may be as many as they like", () => {
    const names = Array.from({ length: MANY }, (_, at) => `x-other-${at}`);
    expect(readAuthzRequest(inHeaderMap(names), watched)).toMatchObject({ spoofedNames: [], authorization: [] });
  });
});

test("a name's length of two bytes is never taken for one: the name is damaged, not another one", () => {
  // Read with its first length byte alone, this is a name of 128 visible bytes and then a value to the end of the entry.
  const nameBytes = 0x21 * 128;
  const name = Buffer.alloc(nameBytes, "a");
  name[127] = 0x12;
  name[128] = 0x80 | ((nameBytes - 130) & 0x7f);
  name[129] = (nameBytes - 130) >> 7;
  const entry = Buffer.concat([Buffer.from([0x0a, 0x80, 0x21]), name]);
  const request = bytesField(1, bytesField(4, bytesField(2, bytesField(3, entry), stringField(4, "/orders"))));
  expect(readAuthzRequest(request, watched)).toBeUndefined();
});
