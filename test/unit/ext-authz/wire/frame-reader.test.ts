// HTTP/2 frames out of a stream of bytes, however it is cut, up to the first that ends the connection.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR, STREAM_CLOSED } from "../../../../src/ext-authz/wire/frame.ts";
import { FrameReader } from "../../../../src/ext-authz/wire/frame-reader.ts";
import { frame, PREFACE } from "../../../support/http2-frames.ts";

type Read = readonly [type: number, flags: number, streamId: number, payload: string];

function reader(answer: number = NO_ERROR): { readonly read: Read[]; readonly push: (chunk: Buffer) => number } {
  const read: Read[] = [];
  const frames = new FrameReader({
    frame(type, flags, streamId, bytes, from, to) {
      read.push([type, flags, streamId, bytes.toString("hex", from, to)]);
      return answer as typeof NO_ERROR;
    },
  });
  return { read, push: (chunk) => frames.push(chunk) };
}

const frames = fc.array(fc.tuple(fc.nat(20), fc.nat(255), fc.nat(0x7fff_ffff), fc.uint8Array({ maxLength: 400 })), {
  maxLength: 20,
});

describe("frames", () => {
  test("are the same wherever the stream of bytes is cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sent, lengths) => {
        const bytes = Buffer.concat([
          PREFACE,
          ...sent.map(([type, flags, id, payload]) => frame(type, flags, id, payload)),
        ]);
        const { read, push } = reader();
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const length = lengths[cut % lengths.length] as number;
          // A chunk of its own each time, as sockets bring them.
          expect(push(Buffer.from(bytes.subarray(at, at + length)))).toBe(NO_ERROR);
          at += length;
        }
        expect(read).toEqual(
          sent.map(([type, flags, id, payload]) => [type, flags, id, Buffer.from(payload).toString("hex")]),
        );
      }),
    );
  });

  test("have a reserved bit before the stream id, which is ignored (RFC 9113 §4.1)", () => {
    const { read, push } = reader();
    push(Buffer.concat([PREFACE, frame(4, 0, 0xffff_ffff)]));
    expect(read).toEqual([[4, 0, 0x7fff_ffff, ""]]);
  });

  test.each([16_384, 16_385])("of %d bytes: as many as were announced are read, and no more (§4.2)", (length) => {
    const bytes = Buffer.concat([PREFACE, frame(0, 0, 1, Buffer.alloc(length))]);
    const isTooLong = length > 16_384;
    for (const cut of [bytes.length, PREFACE.length + 9, PREFACE.length + 3]) {
      const { read, push } = reader();
      const first = push(bytes.subarray(0, cut));
      const fault = first === NO_ERROR ? push(bytes.subarray(cut)) : first;
      expect(fault).toBe(isTooLong ? FRAME_SIZE_ERROR : NO_ERROR);
      expect(read.length).toBe(isTooLong ? 0 : 1);
    }
  });

  test("stop at the first that ends the connection", () => {
    const { read, push } = reader(STREAM_CLOSED);
    expect(push(Buffer.concat([PREFACE, frame(4, 0, 0), frame(4, 0, 0)]))).toBe(STREAM_CLOSED);
    expect(read).toHaveLength(1);
  });
});

test("a preface with any other byte in it is none (§3.4)", () => {
  for (let at = 0; at < PREFACE.length; at++) {
    const other = Buffer.from(PREFACE);
    other[at] = 0x7e;
    expect(reader().push(other)).toBe(PROTOCOL_ERROR);
  }
});
