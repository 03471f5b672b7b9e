// HPACK decoding by RFC 7541's own examples, by its odd but right forms, and by the wrong ones.
import { describe, expect, test, vi } from "vitest";
import { HpackDecoder, type HpackOutcome } from "../../../../src/ext-authz/wire/hpack-decoder.ts";
import { encodeHeaderBlock } from "../../../../src/ext-authz/wire/hpack-encoder.ts";

const LIMITS = { maxTableBytes: 4096, maxListBytes: 65_536 };

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

interface Decoded {
  readonly outcome: HpackOutcome;
  readonly fields: readonly string[];
}

function decode(decoder: HpackDecoder, block: Buffer): Decoded {
  const fields: string[] = [];
  const outcome = decoder.decode(block, (name, value) => fields.push(`${name}: ${value}`));
  return { outcome, fields };
}

/** The outcome of blocks that follow one another on one connection: of the last one. */
function decodeAll(...blocks: readonly string[]): Decoded {
  const decoder = new HpackDecoder(LIMITS);
  const decoded = blocks.map((block) => decode(decoder, hex(block)));
  return decoded.at(-1) as Decoded;
}

describe("the examples of RFC 7541, Appendix C", () => {
  const requests = [
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
  ];
  const responses = [
    [
      ":status: 302",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ],
    [
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ],
    [
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      "location: https://www.example.com",
      "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ];
  test.each([
    ["C.2.1", ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"], [["custom-key: custom-header"]]],
    ["C.2.2", ["040c2f73616d706c652f70617468"], [[":path: /sample/path"]]],
    ["C.2.3", ["100870617373776f726406736563726574"], [["password: secret"]]],
    ["C.2.4", ["82"], [[":method: GET"]]],
    [
      "C.3, without Huffman coding",
      [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      ],
      requests,
    ],
    [
      "C.4, with Huffman coding",
      [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ],
      requests,
    ],
    [
      "C.5, without Huffman coding, in a table of 256 bytes that evicts",
      [
        "3fe1014803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17687474" +
          "70733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b4851" +
          "4b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
      ],
      responses,
    ],
    [
      "C.6, with Huffman coding, in a table of 256 bytes that evicts",
      [
        "3fe101488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae" +
          "82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27" +
          "087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      ],
      responses,
    ],
  ])("%s", (_, blocks, lists) => {
    const decoder = new HpackDecoder(LIMITS);
    for (const [at, block] of blocks.entries()) {
      expect(decode(decoder, hex(block))).toEqual({ outcome: "ok", fields: lists[at] });
    }
  });

  test("C.5.3 leaves three entries in a table of 256 bytes, the newest first", () => {
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, hex("3fe1014803333032580770726976617465"));
    decode(decoder, hex("611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"));
    decode(decoder, hex("6e1768747470733a2f2f7777772e6578616d706c652e636f6d"));
    decode(decoder, hex("4803333037")); // 222 + 42 bytes: the oldest leaves
    expect(decode(decoder, hex("bebfc0c1")).fields).toEqual([
      ":status: 307",
      "location: https://www.example.com",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "cache-control: private",
    ]);
    expect(decode(decoder, hex("c2")).outcome).toBe("compression_error");
  });
});

describe("what is damaged ends the connection", () => {
  test.each([
    ["index 0", "80"],
    ["an index behind the static table, with nothing in the dynamic one", "be"],
    ["the name of an index behind the tables", "7f0000"],
    ["an integer that never ends", "ffffffffffffffffffff"],
    ["an integer of more bytes than any right one has", `000161 7f808080808000 ${"62".repeat(127)}`],
    ["an integer that the block cuts off", "ff80"],
    ["an index beyond 32 bits, which would be 2 if it wrapped", "ff83ffffff0f"],
    ["a name that the block cuts off", "400a6375"],
    ["a value that the block cuts off", "400161026f"],
    ["a literal without its value", "400161"],
    ["a literal without anything", "40"],
    ["a string of 2^35 bytes", "007fffffffff7f"],
    ["a size beyond what we allow", "3fe21f"],
    ["a size behind a field", "8220"],
    ["a size behind a field that another size preceded", "208220"],
    ["a Huffman string with the end-of-string symbol", "008261ff84ffffffff"],
    ["nothing but the end-of-string symbol", "000161 84 fffffffc"],
    ["Huffman padding of 8 ones", "0001618 2 1fff"],
    ["Huffman padding of zeros", "000161 81 18"],
    ["Huffman padding with one zero", "000161 81 1e"],
  ])("%s", (_, block) => {
    expect(decodeAll(block).outcome).toBe("compression_error");
  });

  test("padding of up to seven ones is right", () => {
    // "a" has five bits, "Q" seven, "&" eight: three ones, one, none.
    expect(decodeAll("000161 81 1f").fields).toEqual(["a: a"]);
    expect(decodeAll("000161 81 d9").fields).toEqual(["a: Q"]);
    expect(decodeAll("000161 81 f8").fields).toEqual(["a: &"]);
    expect(decodeAll("000161 80").fields).toEqual(["a: "]);
  });

  test("integers may be written longer than they need be", () => {
    expect(decodeAll("00 01 61 7f 82 80 80 80 00" + "62".repeat(129)).fields).toEqual([`a: ${"b".repeat(129)}`]);
  });
});

describe("the dynamic table", () => {
  const added = "4001610162"; // a: b

  test.each([
    ["a smaller size evicts", ["4001610162", "20", "be"], "compression_error"],
    ["the size may be what the entry needs, exactly", [added, "3f03", "be"], "ok"],
    ["one byte less evicts it", [added, "3f02", "be"], "compression_error"],
    ["several sizes may begin a block: the smallest evicts", [added, "203fe11f82", "be"], "compression_error"],
    ["the largest size is ours", ["3fe11f", added, "be"], "ok"],
  ] as const)("%s", (_, blocks, outcome) => {
    expect(decodeAll(...blocks).outcome).toBe(outcome);
  });

  test("an entry larger than the table is a header all the same, and empties it", () => {
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, hex(added));
    const large = Buffer.concat([hex("4001637f811f"), Buffer.alloc(4096, "c")]);
    expect(decode(decoder, large)).toEqual({ outcome: "ok", fields: [`c: ${"c".repeat(4096)}`] });
    expect(decode(decoder, hex("be")).outcome).toBe("compression_error");
  });

  test("a name may come from the entry that its own field pushes out", () => {
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, hex("3f03")); // 34 bytes: one entry
    decode(decoder, hex(added));
    expect(decode(decoder, hex("7e0163")).fields).toEqual(["a: c"]);
    expect(decode(decoder, hex("be")).fields).toEqual(["a: c"]);
  });

  test("holds as many of the smallest entries as its size allows, and forgets the oldest", () => {
    const decoder = new HpackDecoder(LIMITS);
    for (let at = 0; at < 300; at += 1) decode(decoder, Buffer.concat([hex("400003"), Buffer.from(`${at + 100}`)]));
    const indices = Array.from({ length: Math.floor(4096 / 35) }, (_, at) => at);
    const all = Buffer.concat(indices.map((at) => (at < 65 ? Buffer.of(0xbe + at) : Buffer.of(0xff, at - 65))));
    expect(decode(decoder, all).fields).toEqual(indices.map((at) => `: ${399 - at}`));
    expect(decode(decoder, Buffer.of(0xff, indices.length - 65)).outcome).toBe("compression_error");
  });

  test("begins with 4096 bytes though ours may be larger, for nobody has said otherwise yet", () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxTableBytes: 65_536 });
    decode(decoder, Buffer.concat([hex("4001637f811f"), Buffer.alloc(4096, "c")]));
    expect(decode(decoder, hex("be")).outcome).toBe("compression_error");
  });

  test("a table below the initial size cannot be asked for: a peer may use that before it has read our settings", () => {
    expect(() => new HpackDecoder({ ...LIMITS, maxTableBytes: 4095 })).toThrow(RangeError);
  });
});

describe("a block means the same until the dynamic table changes", () => {
  test.each([
    ["static entries and literals", "82 000161 0162 10 0163 0164 04 012f", false],
    ["an entry", "be", false],
    ["the name of an entry", "0f2f 0163", false],
    ["a literal that is added", "400163 0164", true],
    ["a literal too large to be added, which empties the table", `40 0163 7f811f ${"63".repeat(4096)}`, true],
    ["a change of size", "3fe11f", true],
  ])("the changes of the table are counted: %s", (_, block, isChange) => {
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, hex("4001610162"));
    const before = decoder.tableChanges;
    decode(decoder, hex(block));
    expect(decoder.tableChanges > before).toBe(isChange);
  });
});

describe("the header list is bounded by names, values and 32 bytes for each field (RFC 9113 §10.5.1)", () => {
  const fields = [
    ["a", "1".repeat(66)],
    ["b", "2".repeat(66)],
  ] as const;

  test("one that fits exactly is whole; one byte more loses the last field and says so", () => {
    const block = encodeHeaderBlock(fields);
    expect(decode(new HpackDecoder({ ...LIMITS, maxListBytes: 198 }), block)).toEqual({
      outcome: "ok",
      fields: fields.map((field) => field.join(": ")),
    });
    expect(decode(new HpackDecoder({ ...LIMITS, maxListBytes: 197 }), block)).toEqual({
      outcome: "list_too_large",
      fields: [(fields[0] as readonly string[]).join(": ")],
    });
  });

  test("the table is kept up with behind the bound, so that the connection goes on", () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListBytes: 100 });
    const tooLarge = Buffer.concat([encodeHeaderBlock([["x", "y".repeat(100)]]), hex("4001610162 82")]);
    expect(decode(decoder, tooLarge)).toEqual({ outcome: "list_too_large", fields: [] });
    expect(decode(decoder, hex("be"))).toEqual({ outcome: "ok", fields: ["a: b"] });
  });

  test("damage behind the bound is still found", () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListBytes: 10 });
    expect(decode(decoder, hex("8200016182ffff")).outcome).toBe("compression_error");
  });

  test.each([
    ["plain", Buffer.concat([hex("0001617fe1d303"), Buffer.alloc(60_000, "c")])],
    ["Huffman-coded", Buffer.concat([hex("000161ffe1d303"), Buffer.alloc(60_000, 0)])],
  ])("a string that fits into no bound is never made: %s", (_, block) => {
    const made = vi.spyOn(Buffer.prototype, "toString");
    const { outcome } = decode(new HpackDecoder({ ...LIMITS, maxListBytes: 8192 }), block);
    const lengths = made.mock.results.map(({ value }) => String(value).length);
    made.mockRestore();
    expect(outcome).toBe("list_too_large");
    expect(lengths).toEqual([1]);
  });

  test("HPACK bomb: sixteen thousand references to a large entry hand out no more than the bound", () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListBytes: 8192 });
    const entry = Buffer.concat([hex("4001617fa11e"), Buffer.alloc(4000, "b")]);
    let bytes = 0;
    const outcome = decoder.decode(Buffer.concat([entry, Buffer.alloc(16_000, 0xbe)]), (name, value) => {
      bytes += name.length + value.length + 32;
    });
    expect(outcome).toBe("list_too_large");
    expect(bytes).toBeLessThanOrEqual(8192);
  });
});

test("headers are bytes: each character is one, whatever it may mean", () => {
  expect(decodeAll("000161 04 c3a9 ff 00").fields).toEqual(["a: \u00c3\u00a9\u00ff\u0000"]);
});
