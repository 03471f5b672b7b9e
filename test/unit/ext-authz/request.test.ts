import { describe, expect, test } from "vitest";
import { readAuthzRequest } from "../../../src/ext-authz/request.ts";
import { watchHeaders } from "../../../src/ext-authz/watched-headers.ts";
import { bytesField, stringField, varintField } from "../../../src/ext-authz/wire-writer.ts";

const watched = watchHeaders([]);
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

  test("of another namespace is not ours", () => {
    expect(withAttribute(bytesField(13, entry("envoy.lb", entry("tier", stringField(3, "low")))))?.tiers).toEqual([]);
  });
});
