// What gRPC over HTTP/2 may look like on the wire, byte by byte: a Check in whatever form is answered, or refused with
// the status the protocol has for it, by both transports alike.
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { TRANSPORTS } from "../support/transports.ts";
import { createCheckBench, outcomeOf, type CheckBench } from "../support/check-bench.ts";
import { decodeCheckResponse, encodeCheckRequest } from "../support/ext-authz-proto.ts";

const REQUEST = encodeCheckRequest({
  attributes: { request: { http: { method: "GET", path: "/orders", headers: { authorization: "Bearer a.b.c" } } } },
});
const OK = { status: "0", outcome: "allow" };

let bench: CheckBench;
let transport: Transport;
let session: ClientHttp2Session;

function framed(message: Buffer, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

interface Answer {
  readonly httpStatus?: number;
  readonly status: string;
  readonly outcome?: unknown;
  readonly acceptEncoding?: string;
}

/** Sends `pieces`, each in a DATA frame of its own, and reads the whole answer. */
function call(pieces: readonly Buffer[], headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: "/envoy.service.auth.v3.Authorization/Check",
    [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
    [constants.HTTP2_HEADER_TE]: "trailers",
    ...headers,
  });
  return new Promise((resolve, reject) => {
    let status = "none";
    let httpStatus = 0;
    let encoding = {};
    const body: Buffer[] = [];
    stream.on("response", (answer) => {
      httpStatus = answer[":status"] ?? 0;
      status = String(answer["grpc-status"] ?? status);
      if (answer["grpc-accept-encoding"] !== undefined) encoding = { acceptEncoding: answer["grpc-accept-encoding"] };
    });
    stream.on("trailers", (trailers) => (status = String(trailers["grpc-status"])));
    stream.on("data", (chunk: Buffer) => body.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      if (httpStatus !== 200) return resolve({ httpStatus, status });
      const message = Buffer.concat(body);
      if (message.length === 0) return resolve({ status, ...encoding });
      expect(message.readUInt32BE(1)).toBe(message.length - 5);
      return resolve({ status, outcome: outcomeOf(decodeCheckResponse(message.subarray(5))) });
    });
    for (const piece of pieces) stream.write(piece);
    stream.end();
  });
}

const whole = framed(REQUEST);

describe.each(TRANSPORTS)("%s:", (_name, createTransport) => {
  beforeAll(async () => {
    bench = createCheckBench();
    transport = createTransport({ listen: ["127.0.0.1:0"], checks: bench.handler, log: { warn: () => undefined } });
    const [bound] = await transport.start();
    session = connect(`http://${bound}`);
  });

  afterAll(async () => {
    session.destroy();
    await transport.stop();
  });

  beforeEach(() => void bench.verifications.splice(0));

  describe("a Check is answered", () => {
    test.each([
      ["in one piece", [whole]],
      ["byte by byte", [...whole].map((byte) => Buffer.from([byte]))],
      ["its prefix apart", [whole.subarray(0, 5), whole.subarray(5)]],
      ["cut within its prefix", [whole.subarray(0, 3), whole.subarray(3)]],
    ])("%s", async (_what, pieces) => {
      expect(await call(pieces)).toEqual(OK);
    });

    test.each(["identity", "gzip"])("with grpc-encoding %s, of which it makes no use", async (encoding) => {
      expect(await call([whole], { "grpc-encoding": encoding })).toEqual(OK);
    });

    test.each([
      ["1H", 150],
      ["1M", 150],
      ["1S", 150],
      ["100m", 80],
      ["100000u", 80],
      ["99999999n", 80],
    ])("with a grpc-timeout of %s, before the caller gives up", async (timeout, atMostMs) => {
      expect(await call([whole], { "grpc-timeout": timeout })).toEqual(OK);
      const [asked] = bench.verifications;
      const leftMs = (asked?.deadlineAtMs ?? 0) - bench.now().monotonicMs;
      expect(leftMs).toBeLessThanOrEqual(atMostMs);
      expect(leftMs).toBeGreaterThan(0);
    });
  });

  describe("refused with the protocol's status is", () => {
    const longer = framed(REQUEST, 0, 65 * 1024 * 1024);

    test.each([
      ["no message", [], "12"],
      ["less than a prefix", [whole.subarray(0, 4)], "12"],
      ["half a message", [whole.subarray(0, 20)], "12"],
      ["a second message", [whole, whole], "12"],
      ["a second message in the same frame", [Buffer.concat([whole, whole])], "12"],
      ["a compressed message without an encoding", [framed(REQUEST, 1)], "13"],
      ["a message said to be beyond every bound", [longer.subarray(0, 5), longer.subarray(5)], "8"],
    ])("%s", async (_what, pieces, status) => {
      expect(await call(pieces)).toEqual({ status });
      expect(bench.verifications).toEqual([]);
    });

    test("a compressed message, with a word on what would be understood", async () => {
      const answer = await call([framed(gzipSync(REQUEST), 1)], { "grpc-encoding": "gzip" });
      expect(answer).toEqual({ status: "12", acceptEncoding: "identity" });
    });

    test("a grpc-timeout that is none", async () => {
      expect(await call([whole], { "grpc-timeout": "soon" })).toEqual({ status: "13" });
    });

    test("another content type", async () => {
      expect(await call([whole], { "content-type": "application/json" })).toMatchObject({ httpStatus: 415 });
    });
  });

  test("a message of many pieces costs its length once, not once a piece", async () => {
    const piece = Buffer.alloc(16 * 1024);
    const padding = framed(Buffer.alloc(0), 0, 32 * 1024 * 1024);
    const began = performance.now();
    const answer = await call([padding, ...Array.from({ length: 2048 }, () => piece)]);
    expect(answer).toEqual({ status: "0", outcome: "malformed_request" });
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test("a caller that goes away before the answer is not heard of again, and its neighbours are answered", async () => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/envoy.service.auth.v3.Authorization/Check",
      "content-type": "application/grpc",
    });
    stream.on("error", () => undefined);
    stream.write(whole.subarray(0, 30));
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await call([whole])).toEqual(OK);
    expect(bench.logged).toEqual([]);
  });
});
