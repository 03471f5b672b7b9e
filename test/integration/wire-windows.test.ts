// Flow control of our own HTTP/2 (RFC 9113 §5.2, §6.9) with real clients at its other end: what is large goes through, in
// both directions, and what is small costs no frame.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import type { CheckHandler } from "../../src/ext-authz/check-handler.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { CODE, FLAG, FRAME, frame, settings, uint32 } from "../support/http2-frames.ts";
import { check, checkHeaders, Http2Peer, message } from "../support/http2-peer.ts";
import { until } from "../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Answers, later, with what `answer` makes of what it was asked. */
function answering(answer: (request: Buffer) => Buffer): CheckHandler {
  return {
    check: (request, _call, reply) => void setImmediate(() => reply(answer(request))),
    replace: () => undefined,
  };
}

const ECHO = answering((request) => Buffer.from(request));
const DIGEST = answering((request) => createHash("sha256").update(request).digest());

async function serve(checks = ECHO): Promise<string> {
  const server = createWireServer({ listen: ["127.0.0.1:0"], checks, log: { warn: () => undefined } });
  const [address] = await server.start();
  cleanups.push(() => server.stop());
  return address as string;
}

async function peerOf(address: string, said: readonly (readonly [number, number])[] = []): Promise<Http2Peer> {
  const peer = await Http2Peer.open(address, said);
  cleanups.push(() => peer.close());
  return peer;
}

function windowUpdates(peer: Http2Peer): readonly (readonly [streamId: number, increment: number])[] {
  return peer.frames
    .filter(({ type }) => type === FRAME.windowUpdate)
    .map(({ streamId, payload }) => [streamId, payload.readUInt32BE(0)]);
}

function call(session: ClientHttp2Session, body: Buffer): Promise<Buffer> {
  const stream: ClientHttp2Stream = session.request({
    ":method": "POST",
    ":path": "/envoy.service.auth.v3.Authorization/Check",
    "content-type": "application/grpc",
  });
  stream.end(message(body));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks).subarray(5)));
    stream.on("error", reject);
  });
}

describe("towards us", () => {
  test("a thousand ordinary Checks are due no WINDOW_UPDATE but the one at the start", async () => {
    const peer = await peerOf(await serve(DIGEST), [[4, 1_000_000]]);
    peer.send(frame(FRAME.windowUpdate, 0, 0, uint32(1_000_000)));
    for (let id = 1; id < 2_000; id += 2) peer.send(check(id, "x".repeat(1_400)));
    await peer.answer(1_999);
    expect(windowUpdates(peer)).toHaveLength(1);
  });

  test("a connection's window is given back in few frames, whatever became of the bytes", async () => {
    const peer = await peerOf(await serve());
    const padded = frame(FRAME.data, FLAG.padded, 1, Buffer.concat([Buffer.of(200), Buffer.alloc(16_383)]));
    peer.send(checkHeaders(1), frame(FRAME.resetStream, 0, 1, uint32(CODE.cancel)));
    // DATA of a stream that is closed counts all the same (§6.9): 12 MiB of it.
    for (let count = 0; count < 700; count++) peer.send(padded);
    await peer.settled();
    const [, second, ...more] = windowUpdates(peer);
    expect(second?.[0]).toBe(0);
    expect(second?.[1]).toBeGreaterThanOrEqual(8 * 1024 * 1024);
    expect(more).toEqual([]);
  });

  test("messages of 20 MiB, several at once, arrive whole through a client that keeps to its windows", async () => {
    const session = connect(`http://${await serve(DIGEST)}`);
    cleanups.push(() => session.destroy());
    const bodies = [1, 2, 3].map((fill) => Buffer.alloc(20 * 1024 * 1024, fill));
    const answers = await Promise.all(bodies.map((body) => call(session, body)));
    expect(answers).toEqual(bodies.map((body) => createHash("sha256").update(body).digest()));
  });
});

describe("towards the peer", () => {
  test("a hundred answers at once through the smallest windows there are by default", async () => {
    const session = connect(`http://${await serve()}`);
    cleanups.push(() => session.destroy());
    const bodies = Array.from({ length: 100 }, (_, index) => Buffer.alloc(30_000, index));
    const answers = await Promise.all(bodies.map((body) => call(session, body)));
    expect(answers.every((answer, index) => answer.equals(bodies[index] as Buffer))).toBe(true);
  });

  test("what a reset stream has not sent is forgotten, and its neighbour gets the room", async () => {
    const peer = await peerOf(await serve(), [[4, 1_000_000]]);
    peer.send(check(1, "a".repeat(100_000)), check(3, "b".repeat(65_000)));
    await until("as much as the connection takes", () => peer.bodyBytes(1) === 65_535);
    peer.send(frame(FRAME.resetStream, 0, 1, uint32(CODE.cancel)));
    peer.send(frame(FRAME.windowUpdate, 0, 0, uint32(65_005)));
    const { body, headers } = await peer.answer(3);
    expect(peer.bodyBytes(1)).toBe(65_535);
    expect([body.length, headers["grpc-status"]]).toEqual([65_005, "0"]);
  });

  test("an initial window that grows opens streams that wait already (§6.9.2)", async () => {
    const peer = await peerOf(await serve(), [[4, 10]]);
    peer.send(check(1, "0123456789"));
    await until("the first ten bytes", () => peer.bodyBytes(1) === 10);
    await peer.settled();
    expect(peer.bodyBytes(1)).toBe(10);
    peer.send(frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(15)])));
    expect((await peer.answer(1)).body.subarray(5).toString()).toBe("0123456789");
  });

  /** Of the connection, of a stream, or the initial one of them all, which may shrink too. */
  const step = fc.oneof(
    fc.record({ stream: fc.constant(0), bytes: fc.integer({ min: 1, max: 3_000 }) }),
    fc.record({ stream: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 2_000 }) }),
    fc.record({ stream: fc.constant(undefined), bytes: fc.nat(1_500) }),
  );

  test("answers come whole once all windows are open, however they were opened and shut before", async () => {
    const address = await serve();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, isConnectionShut) => {
        const peer = await peerOf(address, [[4, 0]]);
        if (isConnectionShut) await shutConnection(peer);
        const texts = Array.from({ length: 8 }, (_, at) => `${at}`.repeat(700 * at + 1));
        for (const [at, text] of texts.entries()) peer.send(check(101 + 2 * at, text));
        for (const { stream, bytes } of steps) {
          if (stream === undefined) peer.send(settings([[4, bytes]]));
          else peer.send(frame(FRAME.windowUpdate, 0, stream === 0 ? 0 : 99 + 2 * stream, uint32(bytes)));
        }
        await peer.settled();
        peer.send(settings([[4, 200_000]]), frame(FRAME.windowUpdate, 0, 0, uint32(200_000)));
        for (const [at, text] of texts.entries()) {
          expect((await peer.answer(101 + 2 * at)).body.toString("latin1", 5)).toBe(text);
        }
        peer.close();
      }),
      { numRuns: 60 },
    );
  });

  test("an update of the connection's window costs no more where thousands wait for their own", async () => {
    const updates = Buffer.concat(Array.from({ length: 9_000 }, () => frame(FRAME.windowUpdate, 0, 0, uint32(1))));
    const address = await serve();
    const timed = async (waitingCount: number): Promise<number> => {
      const peer = await peerOf(address, [[4, 0]]);
      for (let at = 0; at < waitingCount; at++) peer.send(check(1 + 2 * at, "waits"));
      await peer.settled();
      const beganAtMs = performance.now();
      peer.send(updates);
      await peer.settled();
      return performance.now() - beganAtMs;
    };
    const aloneMs = Math.max(await timed(0), await timed(0));
    // A hundred times as much and more, if every one of them were looked at each time.
    expect(Math.min(await timed(8_000), await timed(8_000))).toBeLessThan(300 + 10 * aloneMs);
  });
});

/** Leaves not a byte of the connection's window. */
async function shutConnection(peer: Http2Peer): Promise<void> {
  peer.send(check(1, "x".repeat(70_000)), frame(FRAME.windowUpdate, 0, 1, uint32(100_000)));
  await until("all that the window lets through", () => peer.bodyBytes(1) === 65_535);
  peer.send(frame(FRAME.resetStream, 0, 1, uint32(CODE.cancel)));
}
