// Frames of wrong sizes, on wrong streams, beyond their windows, after the end: each rule of RFC 9113 that a peer can
// break alone, with the error that it names. Beyond what h2spec asks.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { CODE, FLAG, FRAME, frame, SETTING, settings, uint32 } from "../support/http2-frames.ts";
import { check, CHECK_HEADERS, checkHeaders, Http2Peer, message, type Header } from "../support/http2-peer.ts";
import { heldChecks, startVictim, type Victim } from "../support/victim.ts";

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim();
});
afterAll(() => victim.stop());

const BLOCK = encodeHeaderBlock(CHECK_HEADERS);
const OPEN = checkHeaders(1);
const DONE = check(1, "done");
const data = (flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer =>
  frame(FRAME.data, flags, id, payload);
const { endHeaders, endStream, padded } = FLAG;

describe("the connection ends", () => {
  test.each([
    // Sizes (§4.2).
    ["a frame one byte larger than we said", [data(0, 1, Buffer.alloc(16_385))], CODE.frameSizeError],
    ["an unknown frame that is too large", [frame(200, 0, 0, Buffer.alloc(16_385))], CODE.frameSizeError],
    [
      "a frame said to have 16 MiB, of which nothing comes",
      [frame(FRAME.data, 0, 1, Buffer.alloc(0), 0xff_ffff)],
      CODE.frameSizeError,
    ],
    ["SETTINGS of 5 bytes", [frame(FRAME.settings, 0, 0, Buffer.alloc(5))], CODE.frameSizeError],
    [
      "an answer to SETTINGS with a payload",
      [frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(6))],
      CODE.frameSizeError,
    ],
    ["PING of 7 bytes", [frame(FRAME.ping, 0, 0, Buffer.alloc(7))], CODE.frameSizeError],
    ["PING of 9 bytes", [frame(FRAME.ping, 0, 0, Buffer.alloc(9))], CODE.frameSizeError],
    ["RST_STREAM of 3 bytes", [OPEN, frame(FRAME.resetStream, 0, 1, Buffer.alloc(3))], CODE.frameSizeError],
    ["WINDOW_UPDATE of 5 bytes", [frame(FRAME.windowUpdate, 0, 0, Buffer.alloc(5))], CODE.frameSizeError],
    ["GOAWAY of 7 bytes", [frame(FRAME.goAway, 0, 0, Buffer.alloc(7))], CODE.frameSizeError],
    ["padded DATA without a length of it", [OPEN, data(padded, 1)], CODE.frameSizeError],
    ["DATA with more padding than payload", [OPEN, data(padded, 1, Buffer.of(5, 0, 0))], CODE.protocolError],
    [
      "HEADERS with more padding than payload",
      [frame(FRAME.headers, endHeaders | padded, 1, Buffer.of(5, 0x82))],
      CODE.protocolError,
    ],
    // Streams (§5.1.1).
    ["HEADERS on stream 0", [frame(FRAME.headers, endHeaders, 0, BLOCK)], CODE.protocolError],
    ["HEADERS on a stream of ours", [frame(FRAME.headers, endHeaders, 2, BLOCK)], CODE.protocolError],
    [
      "HEADERS on a stream below one that was used",
      [check(5, "a"), frame(FRAME.headers, endHeaders, 3, BLOCK)],
      CODE.streamClosed,
    ],
    ["DATA on stream 0", [data(0, 0, Buffer.of(1))], CODE.protocolError],
    ["DATA on an idle stream", [data(0, 7, Buffer.of(1))], CODE.protocolError],
    ["DATA on a stream that is ours to open", [check(5, "a"), data(0, 2, Buffer.of(1))], CODE.protocolError],
    [
      "RST_STREAM of a stream that is ours to open",
      [check(5, "a"), frame(FRAME.resetStream, 0, 4, uint32(8))],
      CODE.protocolError,
    ],
    [
      "WINDOW_UPDATE of a stream that is ours to open",
      [check(5, "a"), frame(FRAME.windowUpdate, 0, 4, uint32(8))],
      CODE.protocolError,
    ],
    ["RST_STREAM of an idle stream", [frame(FRAME.resetStream, 0, 7, uint32(8))], CODE.protocolError],
    ["RST_STREAM of stream 0", [frame(FRAME.resetStream, 0, 0, uint32(8))], CODE.protocolError],
    ["WINDOW_UPDATE of an idle stream", [frame(FRAME.windowUpdate, 0, 7, uint32(8))], CODE.protocolError],
    ["SETTINGS on a stream", [frame(FRAME.settings, 0, 1)], CODE.protocolError],
    ["PING on a stream", [frame(FRAME.ping, 0, 1, Buffer.alloc(8))], CODE.protocolError],
    ["GOAWAY on a stream", [frame(FRAME.goAway, 0, 1, Buffer.alloc(8))], CODE.protocolError],
    ["PUSH_PROMISE", [frame(FRAME.pushPromise, endHeaders, 1, Buffer.concat([uint32(2), BLOCK]))], CODE.protocolError],
    // Settings (§6.5.2).
    ["a push setting of 2", [settings([[SETTING.enablePush, 2]])], CODE.protocolError],
    ["a window setting beyond 2^31-1", [settings([[SETTING.initialWindowSize, 0x8000_0000]])], CODE.flowControlError],
    ["a frame size setting below the least", [settings([[SETTING.maxFrameSize, 16_383]])], CODE.protocolError],
    ["a frame size setting beyond the most", [settings([[SETTING.maxFrameSize, 0x100_0000]])], CODE.protocolError],
    // Windows (§6.9.1).
    [
      "a connection window that overflows",
      [frame(FRAME.windowUpdate, 0, 0, uint32(0x7fff_ffff))],
      CODE.flowControlError,
    ],
    ["a connection window widened by nothing", [frame(FRAME.windowUpdate, 0, 0, uint32(0))], CODE.protocolError],
    [
      "a stream window that SETTINGS make overflow",
      [
        OPEN,
        frame(FRAME.windowUpdate, 0, 1, uint32(0x7fff_0000)),
        settings([[SETTING.initialWindowSize, 0x7fff_ffff]]),
      ],
      CODE.flowControlError,
    ],
  ])("%s", async (_, frames, code) => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(...frames);
    expect(await peer.end()).toBe(code);
  });

  test("HEADERS after both sides have ended the stream", async () => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(DONE);
    await peer.answer(1);
    peer.send(OPEN);
    expect(await peer.end()).toBe(CODE.streamClosed);
  });

  test("frames before SETTINGS", async () => {
    const peer = new Http2Peer(victim.address);
    peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
    expect(await peer.end()).toBe(CODE.protocolError);
  });
});

describe("the stream is reset and the connection goes on", () => {
  const withHeaders = (headers: readonly Header[]): Buffer => checkHeaders(1, headers);
  const without = (name: string): readonly Header[] => CHECK_HEADERS.filter(([known]) => known !== name);
  test.each([
    ["DATA after the end of the request", [check(1, "hold"), data(0, 1, Buffer.of(1))], CODE.streamClosed],
    ["empty DATA after the end of the request", [check(1, "hold"), data(endStream, 1)], CODE.streamClosed],
    [
      "HEADERS after the end of the request",
      [check(1, "hold"), frame(FRAME.headers, endHeaders | endStream, 1, BLOCK)],
      CODE.streamClosed,
    ],
    [
      "trailers that do not end the request",
      [OPEN, frame(FRAME.headers, endHeaders, 1, encodeHeaderBlock([["x-a", "b"]]))],
      CODE.protocolError,
    ],
    [
      "trailers with a pseudo-header",
      [OPEN, frame(FRAME.headers, endHeaders | endStream, 1, BLOCK)],
      CODE.protocolError,
    ],
    ["a window that overflows", [OPEN, frame(FRAME.windowUpdate, 0, 1, uint32(0x7fff_ffff))], CODE.flowControlError],
    ["a window widened by nothing", [OPEN, frame(FRAME.windowUpdate, 0, 1, uint32(0))], CODE.protocolError],
    [
      "more DATA than content-length",
      [withHeaders([...CHECK_HEADERS, ["content-length", "3"]]), data(0, 1, Buffer.alloc(4))],
      CODE.protocolError,
    ],
    [
      "less DATA than content-length",
      [withHeaders([...CHECK_HEADERS, ["content-length", "3"]]), data(endStream, 1, Buffer.alloc(2))],
      CODE.protocolError,
    ],
    [
      "two content-lengths",
      [withHeaders([...CHECK_HEADERS, ["content-length", "3"], ["content-length", "4"]])],
      CODE.protocolError,
    ],
    ["no path", [withHeaders(without(":path"))], CODE.protocolError],
    ["no method", [withHeaders(without(":method"))], CODE.protocolError],
    ["no scheme", [withHeaders(without(":scheme"))], CODE.protocolError],
    ["an empty path", [withHeaders([...without(":path"), [":path", ""]])], CODE.protocolError],
    ["two paths", [withHeaders([[":path", "/"], ...CHECK_HEADERS])], CODE.protocolError],
    ["a pseudo-header behind another header", [withHeaders([...without(":path"), [":path", "/"]])], CODE.protocolError],
    ["an unknown pseudo-header", [withHeaders([[":protocol", "a"], ...CHECK_HEADERS])], CODE.protocolError],
    ["a response's pseudo-header", [withHeaders([[":status", "200"], ...CHECK_HEADERS])], CODE.protocolError],
    ["a name in upper case", [withHeaders([...CHECK_HEADERS, ["X-A", "b"]])], CODE.protocolError],
    ["a name of nothing", [withHeaders([...CHECK_HEADERS, ["", "b"]])], CODE.protocolError],
    ["a name with a space", [withHeaders([...CHECK_HEADERS, ["x a", "b"]])], CODE.protocolError],
    ["a value with a line feed", [withHeaders([...CHECK_HEADERS, ["x-a", "b\nc"]])], CODE.protocolError],
    ["a value with NUL", [withHeaders([...CHECK_HEADERS, ["x-a", "b\0c"]])], CODE.protocolError],
    ["connection", [withHeaders([...CHECK_HEADERS, ["connection", "close"]])], CODE.protocolError],
    ["transfer-encoding", [withHeaders([...CHECK_HEADERS, ["transfer-encoding", "chunked"]])], CODE.protocolError],
    ["te of anything but trailers", [withHeaders([...CHECK_HEADERS, ["te", "gzip"]])], CODE.protocolError],
  ])("%s", async (_, frames, code) => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(...frames);
    expect((await peer.answer(1)).resetCode).toBe(code);
    peer.send(check(9, "next"));
    expect((await peer.answer(9)).headers["grpc-status"]).toBe("0");
    peer.close();
  });
});

describe("padding", () => {
  test("of HEADERS and DATA means nothing, and counts for the windows", async () => {
    const peer = await Http2Peer.open(victim.address);
    const pad = Buffer.alloc(200);
    const headers = frame(
      FRAME.headers,
      endHeaders | padded | FLAG.priority,
      1,
      Buffer.concat([Buffer.of(200), Buffer.alloc(5), BLOCK, pad]),
    );
    const body = message(Buffer.from("padded"));
    const pieces = [...body].map((byte, at) =>
      data(at === body.length - 1 ? endStream | padded : padded, 1, Buffer.concat([Buffer.of(200, byte), pad])),
    );
    peer.send(headers, ...pieces);
    expect((await peer.answer(1)).body.toString("latin1", 5)).toBe("padded");
    peer.close();
  });
});

describe("messages whose length is a lie", () => {
  test("4 GiB announced is refused at once", async () => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(OPEN, data(0, 1, message(Buffer.of(1), 0xffff_ffff)));
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("8");
    peer.close();
  });

  test("64 MiB announced a thousand times, and not sent, reserves nothing", async () => {
    const attacker = await Http2Peer.open(victim.address);
    const faults = await victim.faultsDuring(async () => {
      await attacker.flood(1000, (at) => {
        const id = at * 2 + 1;
        return Buffer.concat([checkHeaders(id), data(0, id, message(Buffer.of(1), 64 * 1024 * 1024))]);
      });
      await attacker.settled();
    });
    expect(faults).toEqual([]);
    expect(victim.growthMiB()).toBeLessThan(100);
    // Nor was any refused for what the others had announced.
    expect(attacker.frames.filter(({ type }) => type === FRAME.headers)).toEqual([]);
    attacker.close();
  });

  test.each([
    ["shorter than it says", message(Buffer.of(1, 2), 3)],
    ["longer than it says", message(Buffer.of(1, 2), 1)],
    ["less than a prefix", Buffer.of(0, 0, 0)],
    ["nothing", Buffer.alloc(0)],
    ["two messages", Buffer.concat([message(Buffer.of(1)), message(Buffer.of(2))])],
  ])("%s: UNIMPLEMENTED, for a unary call has one message", async (_, body) => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(OPEN, data(endStream, 1, body));
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("12");
    peer.close();
  });
});

describe("a peer that goes away", () => {
  test.each(["in the middle of a frame", "with calls in flight", "with GOAWAY"])(
    "%s leaves nothing behind",
    async (how) => {
      await heldChecks(victim);
      const peer = await Http2Peer.open(victim.address);
      peer.send(check(1, "hold"));
      await peer.settled();
      if (how === "with GOAWAY") peer.send(frame(FRAME.goAway, 0, 0, Buffer.alloc(8)));
      if (how === "in the middle of a frame") peer.send(OPEN.subarray(0, 12));
      await new Promise((resolve) => setImmediate(resolve));
      peer.close();
      expect(await heldChecks(victim)).toBe(1); // and answering it hurts nobody
      const next = await Http2Peer.open(victim.address);
      next.send(check(1, "next"));
      expect((await next.answer(1)).headers["grpc-status"]).toBe("0");
      next.close();
    },
  );

  test("half: its last request is answered though it will say nothing more", async () => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(check(1, "last words"));
    peer.socket.end();
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("0");
    peer.close();
  });
});
