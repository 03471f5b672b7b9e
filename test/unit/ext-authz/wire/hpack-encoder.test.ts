// Fields are written in the forms that RFC 7541 knows, against its static table.
import { expect, test } from "vitest";
import { HpackDecoder } from "../../../../src/ext-authz/wire/hpack-decoder.ts";
import { encodeHeaderBlock } from "../../../../src/ext-authz/wire/hpack-encoder.ts";
import { STATIC_TABLE } from "../../../../src/ext-authz/wire/hpack-static-table.ts";

test("writes an index where name and value are in the static table, a name's index where the name is, else text", () => {
  const block = encodeHeaderBlock([
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "0"],
  ]);
  expect(block.toString("latin1")).toBe("\x88\x0f\x10\x10application/grpc\x00\x0bgrpc-status\x010");
});

test("long values and names keep their length", () => {
  const fields = [126, 127, 128, 254, 255, 20_000].map((length) => ["n".repeat(length), "v".repeat(length)] as const);
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 1 << 20 });
  const decoded: (readonly [string, string])[] = [];
  expect(decoder.decode(encodeHeaderBlock(fields), (name, value) => decoded.push([name, value]))).toBe("ok");
  expect(decoded).toEqual(fields);
  expect(decoder.tableChanges).toBe(0);
});

test("the static table has 61 entries, and each is written as its index", () => {
  expect(STATIC_TABLE).toHaveLength(61);
  for (const [at, { name, value }] of STATIC_TABLE.entries()) {
    expect(encodeHeaderBlock([[name, value]])).toEqual(Buffer.of(0x81 + at));
  }
});
