// A gRPC message out of DATA frames of any size: whole, copied only where it must be, within a bound shared by all.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IncomingMessage, PartialMessages } from "../../../../src/ext-authz/wire/incoming-message.ts";

function framed(message: Uint8Array, length = message.length, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** A message into which `pieces` were put, the last of them as the last. */
function received(
  pieces: readonly Buffer[],
  partial = new PartialMessages(),
): { fault: string; message: Buffer | undefined } {
  const incoming = new IncomingMessage(partial);
  for (const [index, piece] of pieces.entries()) {
    const fault = incoming.add(piece, 0, piece.length, index === pieces.length - 1);
    if (fault !== "none") return { fault, message: undefined };
  }
  return { fault: "none", message: incoming.take() };
}

describe("a message", () => {
  test("is the same however many pieces it comes in", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.integer({ min: 1, max: 9_000 }), (message, pieceBytes) => {
        const bytes = framed(message);
        const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
          Buffer.from(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)),
        );
        expect(received(pieces)).toEqual({ fault: "none", message: Buffer.from(message) });
      }),
    );
  });

  test("that came whole and last is handed on without a copy", () => {
    const bytes = framed(Buffer.from("hello"));
    const { message } = received([bytes]);
    expect(message?.buffer).toBe(bytes.buffer);
  });

  test("that came whole but not last is a copy: its chunk may be large, and the end far", () => {
    const bytes = framed(Buffer.from("hello"));
    const { message } = received([bytes, Buffer.alloc(0)]);
    expect(message?.toString()).toBe("hello");
    expect(message?.buffer).not.toBe(bytes.buffer);
  });

  test.each([
    ["nothing", []],
    ["less than a prefix", [framed(Buffer.alloc(0)).subarray(0, 4)]],
    ["less than was said", [framed(Buffer.from("hel"), 5)]],
  ])("of which there is %s is none", (_what, pieces) => {
    expect(received([...pieces, Buffer.alloc(0)])).toEqual({ fault: "none", message: undefined });
  });

  test.each([
    ["excess", framed(Buffer.from("hello"), 4)],
    ["excess", Buffer.concat([framed(Buffer.from("a")), framed(Buffer.from("b"))])],
    ["too_large", framed(Buffer.alloc(0), 64 * 1024 * 1024 + 1)],
    ["too_large", framed(Buffer.alloc(0), 0xffff_ffff)],
    ["bad_flag", framed(Buffer.from("a"), 1, 2)],
  ])("is refused for %s, in one piece or in many", (fault, bytes) => {
    expect(received([bytes]).fault).toBe(fault);
    expect(received([...bytes].map((byte) => Buffer.of(byte))).fault).toBe(fault);
  });
});

describe("messages that are not whole", () => {
  const half = framed(Buffer.alloc(16_000), 60_000_000);
  const whole = 256 * 1024 * 1024;

  test("are bounded all together, and give back what they took", () => {
    const partial = new PartialMessages();
    const many: IncomingMessage[] = [];
    let fault = "none";
    while (fault === "none") {
      const incoming = new IncomingMessage(partial);
      many.push(incoming);
      fault = incoming.add(half, 0, half.length, false);
    }
    expect(fault).toBe("too_much_at_once");
    expect(many.length).toBeGreaterThan(whole / half.length / 2);
    for (const incoming of many) incoming.drop();
    expect(partial.tryTake(whole)).toBe(true);
  });

  test("reserve by what has come, not by what was said", () => {
    const partial = new PartialMessages();
    for (let count = 0; count < 5_000; count++) {
      expect(new IncomingMessage(partial).add(framed(Buffer.alloc(0), 60_000_000), 0, 5, false)).toBe("none");
    }
  });
});
