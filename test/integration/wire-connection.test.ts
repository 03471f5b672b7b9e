// A connection's life on our own HTTP/2: how it is greeted and let go, what leaves together, and what header blocks mean
// that come again.
import { afterEach, describe, expect, test } from "vitest";
import type { CheckCall } from "../../src/ext-authz/check.ts";
import type { CheckHandler } from "../../src/ext-authz/check-handler.ts";
import type { Transport } from "../../src/ext-authz/transport.ts";
import type { WireTimes } from "../../src/ext-authz/wire/limits.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { CODE, FLAG, FRAME, frame, uint32, type Frame } from "../support/http2-frames.ts";
import { check, CHECK_HEADERS, checkHeaders, Http2Peer, message, type Header } from "../support/http2-peer.ts";
import { until } from "../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Asked {
  readonly text: string;
  readonly call: CheckCall;
  readonly reply: () => void;
}

interface Running {
  readonly transport: Transport;
  readonly peer: Http2Peer;
  readonly asked: Asked[];
  readonly warned: string[];
}

/** `isHeld`: Checks wait until the test replies. */
async function serve(isHeld = false, times: Partial<WireTimes> = {}): Promise<Running> {
  const asked: Asked[] = [];
  const warned: string[] = [];
  const checks: CheckHandler = {
    check(request, call, reply) {
      const text = request.toString();
      asked.push({ text, call, reply: () => reply(Buffer.from(text)) });
      if (!isHeld) reply(Buffer.from(text));
    },
    replace: () => undefined,
  };
  const log = { warn: (event: string) => void warned.push(event) };
  const transport = createWireServer({ listen: ["127.0.0.1:0"], checks, log, times: { tickMs: 10, ...times } });
  const [address] = await transport.start();
  cleanups.push(() => transport.stop());
  const peer = await Http2Peer.open(address as string);
  cleanups.push(() => peer.close());
  return { transport, peer, asked, warned };
}

function checkWith(streamId: number, headers: readonly Header[], text = "x"): Buffer {
  return Buffer.concat([
    checkHeaders(streamId, headers),
    frame(FRAME.data, FLAG.endStream, streamId, message(Buffer.from(text))),
  ]);
}

function goAways(peer: Http2Peer): readonly (readonly [lastId: number, code: number])[] {
  return peer.frames
    .filter(({ type }) => type === FRAME.goAway)
    .map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);
}

function pingOf(peer: Http2Peer): Promise<Frame> {
  return peer.first("a PING", ({ type, flags }) => type === FRAME.ping && flags === 0);
}

const WATCH_PATH = "/grpc.health.v1.Health/Watch";
const LAST_POSSIBLE = 0x7fff_ffff;

describe("a goodbye (RFC 9113 §6.8)", () => {
  test("comes in two steps: what was under way at the first is answered, what came after the second is not", async () => {
    const { transport, peer, asked } = await serve(true, { goAwayMs: 60_000 });
    peer.send(check(1, "before"));
    await until("the first", () => asked.length === 1);
    const drained = transport.drain(0, 10_000);
    const ping = await pingOf(peer);
    expect(goAways(peer)).toEqual([[LAST_POSSIBLE, CODE.noError]]);
    peer.send(check(3, "under way"), frame(FRAME.ping, FLAG.ack, 0, ping.payload), check(5, "too late"));
    await until("the second GOAWAY", () => goAways(peer).length === 2);
    expect(goAways(peer)[1]).toEqual([3, CODE.noError]);
    await peer.settled();
    expect(asked.map(({ text }) => text)).toEqual(["before", "under way"]);
    for (const { reply } of asked) reply();
    expect((await peer.answer(1)).body.subarray(5).toString()).toBe("before");
    expect((await peer.answer(3)).body.subarray(5).toString()).toBe("under way");
    expect(await peer.end()).toBe("none");
    expect(await drained).toBe("finished");
  });

  test("is held up by no health watch that was under way to us", async () => {
    const { transport, peer } = await serve(false, { goAwayMs: 60_000 });
    const drained = transport.drain(0, 10_000);
    const ping = await pingOf(peer);
    const headers = CHECK_HEADERS.map(([name, value]): Header => [name, name === ":path" ? WATCH_PATH : value]);
    peer.send(checkHeaders(1, headers), frame(FRAME.data, FLAG.endStream, 1, message(Buffer.alloc(0))));
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("0");
    peer.send(frame(FRAME.ping, FLAG.ack, 0, ping.payload));
    expect(await drained).toBe("finished");
  });

  test("names no higher call in the end than it took, though one has come since", async () => {
    const { transport, peer, asked } = await serve(true, { goAwayMs: 20 });
    peer.send(check(1, "taken"));
    await until("the call", () => asked.length === 1);
    void transport.drain(0, 10_000);
    await until("the second GOAWAY", () => goAways(peer).length === 2);
    peer.send(check(3, "not taken"), frame(FRAME.ping, 0, 0, Buffer.alloc(1)));
    await peer.end();
    expect(goAways(peer)).toEqual([
      [LAST_POSSIBLE, CODE.noError],
      [1, CODE.noError],
      [1, CODE.frameSizeError],
    ]);
  });

  test("waits for no peer that answers no PING", async () => {
    const { transport, peer } = await serve(false, { goAwayMs: 50 });
    const drained = transport.drain(0, 10_000);
    await peer.end();
    expect(goAways(peer)).toEqual([
      [LAST_POSSIBLE, CODE.noError],
      [0, CODE.noError],
    ]);
    expect(await drained).toBe("finished");
  });

  test("is said to a connection that has grown old; calls that take longer than its grace are cut off", async () => {
    const { peer, asked } = await serve(true, { maxAgeMs: 200, goAwayMs: 20, lastCallsMs: 100 });
    peer.send(check(1, "slow"));
    await until("the call", () => asked.length === 1);
    expect(await peer.end()).toBe("none");
    expect(goAways(peer).map(([, code]) => code)).toEqual([CODE.noError, CODE.noError]);
    asked[0]?.reply(); // the late answer goes nowhere
  });
});

test("a peer that will say nothing more is still answered, but not waited for without end", async () => {
  const { peer, asked } = await serve(true, { lastCallsMs: 300 });
  peer.send(check(1, "in time"), check(3, "too late"));
  peer.socket.end();
  await until("both calls", () => asked.length === 2);
  asked[0]?.reply();
  expect((await peer.answer(1)).body.subarray(5).toString()).toBe("in time");
  expect(await peer.end()).toBe("none");
  expect(peer.bodyBytes(3)).toBeUndefined();
});

test("answers of one turn leave in one write, and in the order of the calls", async () => {
  const { peer, asked } = await serve(true);
  peer.send(...Array.from({ length: 50 }, (_, index) => check(index * 2 + 1, `call ${index}`)));
  await until("all calls", () => asked.length === 50);
  const chunks: number[] = [];
  peer.socket.on("data", (bytes: Buffer) => chunks.push(bytes.length));
  for (const { reply } of asked) reply();
  await peer.answer(99);
  expect(chunks).toHaveLength(1);
});

test("a reply that comes after its stream was reset goes nowhere, and not to the next call on the same record", async () => {
  const { peer, asked } = await serve(true);
  peer.send(check(1, "gone"));
  await until("the first", () => asked.length === 1);
  peer.send(frame(FRAME.resetStream, 0, 1, uint32(CODE.cancel)), check(3, "here"));
  await until("the second", () => asked.length === 2);
  asked[0]?.reply();
  await peer.settled();
  expect([peer.bodyBytes(1), peer.bodyBytes(3)]).toEqual([undefined, undefined]);
  asked[1]?.reply();
  expect((await peer.answer(3)).body.subarray(5).toString()).toBe("here");
  expect(peer.bodyBytes(1)).toBeUndefined();
});

test("a call that is reset with what it came with is not judged at all", async () => {
  const { peer, asked } = await serve(true);
  peer.send(check(1, "never mind"), frame(FRAME.resetStream, 0, 1, uint32(CODE.cancel)), check(3, "do mind"));
  await until("the other", () => asked.length > 0);
  expect(asked.map(({ text }) => text)).toEqual(["do mind"]);
  await peer.settled();
  expect(peer.bodyBytes(1)).toBeUndefined();
});

describe("a header block that comes again", () => {
  const traced = (traceparent: string): readonly Header[] => [...CHECK_HEADERS, ["traceparent", traceparent]];

  test("means the same again; one that differs in a byte does not", async () => {
    const { peer, asked } = await serve();
    const blocks = ["a", "a", "b", "a"];
    peer.send(...blocks.map((traceparent, index) => checkWith(index * 2 + 1, traced(traceparent))));
    await peer.answer(7);
    expect(asked.map(({ call: { traceparent } }) => traceparent)).toEqual(blocks);
  });

  test("and names entries of the table means what the table then holds", async () => {
    const { peer, asked } = await serve();
    const added = (value: string): Buffer =>
      Buffer.concat([
        Buffer.of(0x40, "traceparent".length),
        Buffer.from("traceparent"),
        Buffer.of(value.length),
        Buffer.from(value),
      ]);
    const plain = encodeHeaderBlock(CHECK_HEADERS);
    const newest = Buffer.concat([plain, Buffer.of(0x80 | 62)]); // RFC 7541 §2.3.3: the newest entry
    const blocks = [Buffer.concat([plain, added("one")]), newest, newest, Buffer.concat([plain, added("two")]), newest];
    for (const [index, block] of blocks.entries()) {
      const id = index * 2 + 1;
      peer.send(frame(FRAME.headers, FLAG.endHeaders, id, block));
      peer.send(frame(FRAME.data, FLAG.endStream, id, message(Buffer.from("x"))));
    }
    await peer.answer(9);
    expect(asked.map(({ call: { traceparent } }) => traceparent)).toEqual(["one", "one", "one", "two", "two"]);
  });
});

describe("what gRPC asks of a server", () => {
  const other = (changes: Readonly<Record<string, string>>): readonly Header[] =>
    CHECK_HEADERS.map(([name, value]) => [name, changes[name] ?? value]);

  test.each([
    [":method", "GET", "405"],
    ["content-type", "application/json", "415"],
    ["content-type", "application/grpc-web", "415"],
  ])("%s %s is refused in plain HTTP", async (name, value, status) => {
    const { peer, asked } = await serve();
    peer.send(checkWith(1, other({ [name]: value })));
    const { headers, resetCode } = await peer.answer(1);
    expect([headers[":status"], headers["grpc-status"], resetCode]).toEqual([status, undefined, undefined]);
    expect(asked).toEqual([]);
  });

  test("a method nobody knows is refused before its request ends, which may be waiting for that", async () => {
    const { peer } = await serve();
    peer.send(checkHeaders(1, other({ ":path": "/grpc.health.v1.Health/List" })));
    const { headers } = await peer.answer(1);
    expect([headers["grpc-status"], headers["grpc-message"]]).toEqual(["12", "unknown service or method"]);
    peer.send(frame(FRAME.data, FLAG.endStream, 1, message(Buffer.from("still under way"))), check(3, "next"));
    expect((await peer.answer(3)).headers["grpc-status"]).toBe("0");
  });

  test("what is left of grpc-timeout when a slow request is whole, and all of it when it came at once", async () => {
    const { peer, asked } = await serve();
    const patient = [...CHECK_HEADERS, ["grpc-timeout", "10S"]] as const;
    peer.send(checkWith(1, patient));
    await peer.answer(1);
    peer.send(checkHeaders(3, patient));
    await peer.settled();
    peer.send(frame(FRAME.data, FLAG.endStream, 3, message(Buffer.from("x"))));
    await peer.answer(3);
    const [atOnce, later] = asked.map(({ call: { grpcTimeoutMs } }) => grpcTimeoutMs ?? 0);
    expect(atOnce).toBe(10_000);
    expect(later).toBeLessThan(10_000);
    expect(later).toBeGreaterThan(0);
  });

  test("trailers may end a request", async () => {
    const { peer, asked } = await serve();
    const trailers = encodeHeaderBlock([["x-checksum", "1"]]);
    peer.send(checkHeaders(1), frame(FRAME.data, 0, 1, message(Buffer.from("with trailers"))));
    peer.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, trailers));
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("0");
    expect(asked.map(({ text }) => text)).toEqual(["with trailers"]);
  });
});

test("connections that fail are logged without what they sent, and a line at a time", async () => {
  const { peer, warned } = await serve(false, { tickMs: 3_600_000 });
  peer.send(frame(FRAME.pushPromise, 0, 1, Buffer.from("Bearer secret")));
  expect(await peer.end()).toBe(CODE.protocolError);
  expect(warned).toEqual(["connection_failed"]);
});

test("an exception in a handler ends its connection and no other", async () => {
  const checks: CheckHandler = {
    check() {
      throw new Error("a bug that quotes Bearer secret");
    },
    replace: () => undefined,
  };
  const logged: string[] = [];
  const log = { warn: (...line: unknown[]) => void logged.push(JSON.stringify(line)) };
  const transport = createWireServer({ listen: ["127.0.0.1:0"], checks, log });
  const [address] = await transport.start();
  cleanups.push(() => transport.stop());
  const [hit, neighbour] = [await Http2Peer.open(address as string), await Http2Peer.open(address as string)];
  hit.send(check(1, "x"));
  expect(await hit.end()).toBe(CODE.internalError);
  await neighbour.settled();
  neighbour.close();
  expect(logged.join()).toContain("INTERNAL_ERROR");
  expect(logged.join()).not.toContain("secret");
});
