// The load generator tells a good answer from every other one, and keeps what the other side allows it.
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { once } from "node:events";
import { createServer as createNetServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { checkRequest } from "../../../bench/fixtures/check-request.ts";
import { isAllow } from "../../../bench/load/answer.ts";
import { Arrivals } from "../../../bench/load/arrivals.ts";
import { checkCall } from "../../../bench/load/calls.ts";
import { Connection } from "../../../bench/load/connection.ts";
import { FRAME, frame } from "../../../bench/load/frames.ts";
import { Latencies } from "../../../bench/load/latencies.ts";

const ALLOW = Buffer.from([0x1a, 0]);
const call = checkCall(checkRequest("x".repeat(700), "c58d1fd2-e8dd-462b-b906-3974ef93c6c0"));
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that gives every stream to `answer` once its request is whole. */
async function serve(answer: (stream: ServerHttp2Stream) => void, settings = {}): Promise<number> {
  const server: Http2Server = createServer({ settings });
  server.on("stream", (stream) =>
    stream
      .on("error", () => undefined)
      .resume()
      .on("end", () => answer(stream)),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  return (server.address() as { port: number }).port;
}

function answerWith(message: Buffer, grpcStatus: string): (stream: ServerHttp2Stream) => void {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return (stream) => {
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": grpcStatus }));
    stream.write(prefix);
    stream.end(message);
  };
}

/** Sends `count` calls as fast as the other side allows; how each ended, and how many were ever in flight at once. */
async function sendAll(
  port: number,
  count: number,
): Promise<{ failures: (string | undefined)[]; mostInFlight: number }> {
  const failures: (string | undefined)[] = [];
  let mostInFlight = 0;
  let sentCount = 0;
  const done = Promise.withResolvers<void>();
  const fill = (): void => {
    for (; sentCount < count && connection.canSend(call); sentCount += 1) connection.send(call, 1);
    mostInFlight = Math.max(mostInFlight, connection.inFlightCount);
    connection.flush();
  };
  const connection = await Connection.open({ host: "127.0.0.1", port }, "grpc", {
    ended: (_dueAtMs, failure) => {
      failures.push(failure);
      if (failures.length === count) done.resolve();
    },
    turn: () => fill(),
    lost: (why) => done.reject(new Error(why)),
  });
  closing.push(() => connection.close());
  // The server's settings are awaited, as the loader does: every frame of theirs is a turn.
  await done.promise;
  return { failures, mostInFlight };
}

test("an allow with grpc-status 0 is a good answer, a thousand times over the initial window", async () => {
  const { failures } = await sendAll(await serve(answerWith(ALLOW, "0")), 1000);
  expect(failures.filter((failure) => failure !== undefined)).toEqual([]);
});

test("no more streams are open at once than the server allows", async () => {
  const port = await serve(answerWith(ALLOW, "0"), { maxConcurrentStreams: 3 });
  const { failures, mostInFlight } = await sendAll(port, 50);
  expect(failures).toHaveLength(50);
  expect(mostInFlight).toBeLessThanOrEqual(3);
});

test("no more is sent than the connection's window takes", async () => {
  const silent = createNetServer((socket) => {
    socket.on("error", () => undefined);
    socket.write(frame(FRAME.settings, 0, 0, Buffer.alloc(0)));
    closing.push(() => socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(silent, "listening");
  closing.push(() => silent.close());
  const { port } = silent.address() as { port: number };
  const settled = Promise.withResolvers<void>();
  const events = { ended: () => undefined, turn: () => settled.resolve(), lost: () => undefined };
  const connection = await Connection.open({ host: "127.0.0.1", port }, "grpc", events);
  closing.push(() => connection.close());
  await settled.promise;
  for (let index = 0; index < 1000 && connection.canSend(call); index += 1) connection.send(call, 1);
  expect(connection.inFlightCount).toBe(Math.floor(65_535 / call.dataBytes));
});

test("a message in several DATA frames is read as one", async () => {
  const padded = Buffer.concat([ALLOW, Buffer.from([0x22, 0xe0, 0xd4, 0x03]), Buffer.alloc(60_000)]);
  const { failures } = await sendAll(await serve(answerWith(padded, "0")), 5);
  expect(failures).toEqual(Array.from({ length: 5 }, () => undefined));
});

test.each([
  ["a denial", answerWith(Buffer.from([0x12, 0]), "0"), "no allow in the answer"],
  ["an allow with an error status", answerWith(ALLOW, "14"), "grpc-status 14"],
  ["a reset", (stream: ServerHttp2Stream) => stream.close(7), "stream reset, code 7"],
  [
    "a missing message",
    (stream: ServerHttp2Stream) => stream.respond({ "grpc-status": "0" }, { endStream: true }),
    "no allow in the answer",
  ],
])("%s is counted as what it is", async (_name, answer, expected) => {
  const { failures } = await sendAll(await serve(answer), 1);
  expect(failures).toEqual([expected]);
});

test("an ok_response beside a status code is no allow, for Envoy refuses it", () => {
  expect(isAllow(ALLOW)).toBe(true);
  expect(isAllow(Buffer.concat([Buffer.from([0x0a, 2, 0x08, 7]), ALLOW]))).toBe(false);
  expect(isAllow(Buffer.concat([Buffer.from([0x0a, 2, 0x08, 0]), ALLOW]))).toBe(true);
  expect(isAllow(Buffer.from([0x1a, 5, 1]))).toBe(false);
  expect(isAllow(Buffer.alloc(0))).toBe(false);
});

test("arrivals come at their rate, at random, and the same for the same seed", () => {
  const arrivals = new Arrivals(0, 2000, 7);
  const instants = Array.from({ length: 20_000 }, () => arrivals.next());
  expect(instants.at(-1)).toBeGreaterThan(9500);
  expect(instants.at(-1)).toBeLessThan(10_500);
  expect(new Set(instants.slice(0, 100).map((at, index) => (at - (instants[index - 1] ?? 0)).toFixed(6))).size).toBe(
    100,
  );
  expect(new Arrivals(0, 2000, 7).next()).toBe(instants[0]);
  expect(new Arrivals(0, 2000, 8).next()).not.toBe(instants[0]);
});

test("percentiles are those of all values, by nearest rank", () => {
  const latencies = new Latencies();
  for (let value = 100_000; value >= 1; value -= 1) latencies.add(value);
  expect(latencies.percentiles([0.5, 0.99, 0.999, 1])).toEqual([50_000, 99_000, 99_900, 100_000]);
});
