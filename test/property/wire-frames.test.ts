// Any frames, any bytes, cut anywhere: the server never fails by itself, never breaks a rule of HTTP/2 in what it sends,
// and goes on serving others. Bytes that once did harm are kept in wire-corpus/ (one file each, in hex) and tried first.
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { HpackDecoder } from "../../src/ext-authz/wire/hpack-decoder.ts";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { createEchoChecks } from "../support/echo-checks.ts";
import { runs } from "../support/fuzz-time.ts";
import {
  FLAG,
  FRAME,
  frame,
  FrameAssembler,
  PREFACE,
  SETTING,
  settings,
  uint32,
  type Frame,
} from "../support/http2-frames.ts";
import { check, CHECK_HEADERS, Http2Peer, message } from "../support/http2-peer.ts";

const CORPUS = "test/property/wire-corpus";
const FIRST_WINDOW_BYTES = 65_535;
const LARGEST_FRAME_BYTES = 16_384;

let transport: Transport;
let port: number;
let neighbour: Http2Peer;
let calls = 0;
/** What the server said of itself. */
const warnings: string[] = [];

beforeAll(async () => {
  const warn = (event: string, fields: unknown): void => void warnings.push(`${event} ${JSON.stringify(fields)}`);
  transport = createWireServer({
    listen: ["127.0.0.1:0"],
    checks: createEchoChecks().handler,
    log: { warn },
    times: { tickMs: 10, lastCallsMs: 20 }, // of calls that are held for ever
  });
  const [address = ""] = await transport.start();
  port = Number(address.replace(/^.*:/, ""));
  neighbour = await Http2Peer.open(address);
  neighbour.send(frame(FRAME.windowUpdate, 0, 0, uint32(0x7000_0000))); // for all the answers it will get
});
afterAll(async () => {
  neighbour.close();
  await transport.stop();
});

/** Everything the server sends in answer to `bytes`, written in pieces, until it has closed the connection. */
async function answersTo(bytes: Buffer, cuts: readonly number[]): Promise<readonly Frame[]> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const assembler = new FrameAssembler();
  const frames: Frame[] = [];
  socket.on("data", (received: Buffer) => frames.push(...assembler.push(received)));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let from = 0;
  for (const to of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    if (to <= from) continue;
    socket.write(bytes.subarray(from, to));
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await closed;
  return frames;
}

/** The rules of RFC 9113 that `frames` of a server break. `bytes`: what it was sent, for the windows that opens. */
function brokenRules(frames: readonly Frame[], bytes: Buffer): readonly string[] {
  const broken: string[] = [];
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 65_536 });
  const states = new Map<number, "headers" | "ended" | "reset">();
  let dataBytes = 0;
  if (frames.length > 0 && frames[0]?.type !== FRAME.settings) broken.push("SETTINGS do not come first (§3.4)");
  for (const { type, flags, streamId, payload } of frames) {
    const state = states.get(streamId);
    const say = (what: string): void => void broken.push(`${what} (type ${type}, stream ${streamId})`);
    if (payload.length > LARGEST_FRAME_BYTES) say("a frame too large (§4.2)");
    if (type === FRAME.priority || type === FRAME.pushPromise || type === FRAME.continuation || type > 9)
      say("a strange type");
    const isOfConnection = type === FRAME.settings || type === FRAME.ping || type === FRAME.goAway;
    if (isOfConnection && streamId !== 0) say("on a stream");
    if (type !== FRAME.windowUpdate && !isOfConnection && (streamId === 0 || streamId % 2 === 0))
      say("on no stream of the client's");
    if (type === FRAME.headers) {
      if (state === "ended" || state === "reset") say("HEADERS after the end (§5.1)");
      const names: string[] = [];
      const outcome = decoder.decode(payload, (name) => names.push(name));
      if (outcome !== "ok") say(`a header block: ${outcome}`);
      if (names.includes(":status") === (state === "headers")) say("a status where none belongs, or none (§8.1)");
      states.set(streamId, (flags & FLAG.endStream) === 0 ? "headers" : "ended");
    } else if (type === FRAME.data) {
      if (state !== "headers") say("DATA out of place (§8.1)");
      dataBytes += payload.length;
      if ((flags & FLAG.endStream) !== 0) states.set(streamId, "ended");
    } else if (type === FRAME.resetStream) states.set(streamId, "reset");
    else if (type === FRAME.windowUpdate && payload.readUInt32BE() === 0) say("a window widened by nothing (§6.9)");
  }
  if (dataBytes > FIRST_WINDOW_BYTES + widenedBytes(bytes)) broken.push("more DATA than the windows allow (§6.9.1)");
  return broken;
}

/** At most: by WINDOW_UPDATE of the connection, if all of `bytes` are taken for frames. */
function widenedBytes(bytes: Buffer): number {
  const sent = new FrameAssembler().push(bytes.subarray(PREFACE.length));
  return sent
    .filter(({ type, streamId, payload }) => type === FRAME.windowUpdate && streamId === 0 && payload.length === 4)
    .reduce((sum, { payload }) => sum + (payload.readUInt32BE() & 0x7fff_ffff), 0);
}

/** Sends `bytes` and calls the server from elsewhere; what went wrong. */
async function harmOf(bytes: Buffer, cuts: readonly number[]): Promise<readonly string[]> {
  warnings.splice(0);
  const frames = await answersTo(bytes, cuts);
  const id = calls * 2 + 1;
  calls += 1;
  neighbour.send(check(id, "still there?"));
  const { headers } = await neighbour.answer(id);
  const bugs = warnings.filter((warning) => warning.includes("INTERNAL_ERROR"));
  return [
    ...brokenRules(frames, bytes),
    ...bugs,
    ...(headers["grpc-status"] === "0" ? [] : ["the neighbour was not served"]),
  ];
}

const streamId = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 1, 1, 3, 3, 5, 7) },
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(2, 4, 0x7fff_ffff, 0x8000_0001) },
);
const flags = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 4, 5, 5, 8, 9, 13, 0x20, 0x25, 0x2d) },
  { weight: 1, arbitrary: fc.nat(255) },
);
const HEADERS = encodeHeaderBlock(CHECK_HEADERS);
const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const number = fc.oneof(fc.constantFrom(0, 1, 2, 100, 16_384, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat());
const payload = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(HEADERS, HEADERS, HEADERS.subarray(0, 5), HEADERS.subarray(5)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      encodeHeaderBlock([["x-a", "b"]]),
      Buffer.of(0x40, 1, 0x61, 1, 0x62),
      Buffer.of(0xbe),
      Buffer.of(0x20),
    ),
  },
  { weight: 4, arbitrary: noise.map((bytes) => message(bytes)) },
  { weight: 1, arbitrary: fc.integer({ min: 5000, max: 16_300 }).map((length) => message(Buffer.alloc(length, 7))) },
  { weight: 2, arbitrary: number.map(uint32) },
  {
    weight: 1,
    arbitrary: fc.tuple(number, number).map(([first, second]) => Buffer.concat([uint32(first), uint32(second)])),
  },
  { weight: 2, arbitrary: fc.tuple(fc.nat(7), number).map(([id, value]) => settings([[id, value]]).subarray(9)) },
  { weight: 2, arbitrary: noise },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
);
const anyFrame = fc
  .record({ type: fc.oneof(fc.constantFrom(0, 0, 1, 1, 1, 2, 3, 4, 6, 8, 8, 9), fc.nat(11)), flags, streamId, payload })
  .map((one) => frame(one.type, one.flags, one.streamId, one.payload));
/** What makes sense, so that the rest meets streams in all their states. */
const goodFrames = fc.constantFrom(
  check(1, "one"),
  check(3, "three"),
  check(5, "hold"),
  frame(FRAME.headers, FLAG.endHeaders, 1, HEADERS),
  frame(FRAME.headers, 0, 3, HEADERS),
  frame(FRAME.continuation, FLAG.endHeaders, 3),
  frame(FRAME.data, FLAG.endStream, 1, message(Buffer.from("a"))),
  frame(FRAME.data, 0, 3, message(Buffer.from("a")).subarray(0, 5)),
  frame(FRAME.resetStream, 0, 5, uint32(8)),
  settings([[SETTING.initialWindowSize, 0]]),
  settings([[SETTING.initialWindowSize, 10]]),
  frame(FRAME.windowUpdate, 0, 1, uint32(3)),
  frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
);
const opening = fc.oneof(
  { weight: 9, arbitrary: fc.constant(Buffer.concat([PREFACE, settings([])])) },
  { weight: 1, arbitrary: fc.constantFrom(PREFACE, settings([]), Buffer.alloc(0)) },
);
/** Bytes changed, lost or doubled, as often as not none. */
const damage = fc.array(
  fc.record({
    at: fc.nat(2000),
    length: fc.nat(12),
    how: fc.constantFrom("changed", "lost", "doubled"),
    byte: fc.nat(255),
  }),
  { maxLength: 3 },
);

const conversation = fc.record({
  opening,
  frames: fc.array(fc.oneof(goodFrames, anyFrame), { maxLength: 25 }),
  damage: fc.oneof(fc.constant([]), damage),
  cuts: fc.array(fc.nat(1500), { maxLength: 8 }),
});

function damaged(bytes: Buffer, damages: readonly { at: number; length: number; how: string; byte: number }[]): Buffer {
  let result = bytes;
  for (const { at, length, how, byte } of damages) {
    const from = at % (result.length + 1);
    const part = result.subarray(from, from + length);
    const instead =
      how === "changed"
        ? Buffer.alloc(part.length, byte)
        : how === "lost"
          ? Buffer.alloc(0)
          : Buffer.concat([part, part]);
    result = Buffer.concat([result.subarray(0, from), instead, result.subarray(from + length)]);
  }
  return result;
}

describe("bytes that once did harm", () => {
  test.each(readdirSync(CORPUS))("%s", async (name) => {
    const bytes = Buffer.from(readFileSync(`${CORPUS}/${name}`, "latin1").replaceAll(/\s/g, ""), "hex");
    expect(await harmOf(bytes, [])).toEqual([]);
    expect(await harmOf(bytes, bytes.length < 2000 ? [...bytes.keys()] : [])).toEqual([]);
  });
});

test("any frames do no harm", async () => {
  await fc.assert(
    fc.asyncProperty(conversation, async (said) => {
      const bytes = damaged(Buffer.concat([said.opening, ...said.frames]), said.damage);
      expect(await harmOf(bytes, said.cuts), bytes.toString("hex")).toEqual([]);
    }),
    runs(500),
  );
});
