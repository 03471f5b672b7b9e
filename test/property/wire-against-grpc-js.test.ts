// Our transport against the stock library as its oracle: random calls, right and wrong, their frames interleaved and
// padded at random, the byte stream cut anywhere, get the same status and the same bytes from both.
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CheckHandler } from "../../src/ext-authz/check-handler.ts";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { FLAG, FRAME, frame, SETTING, uint32 } from "../support/http2-frames.ts";
import { runs } from "../support/fuzz-time.ts";
import { Http2Peer, message, type Header } from "../support/http2-peer.ts";
import { TRANSPORTS } from "../support/transports.ts";

/** All that reaches a Check: its answer is what it was asked, and what came beside it. */
const checks: CheckHandler = {
  check(request, { grpcTimeoutMs, traceparent, tracestate }, reply) {
    const beside = JSON.stringify({ isTimed: grpcTimeoutMs !== undefined, traceparent, tracestate });
    const answer = Buffer.concat([Buffer.from(beside), request]);
    if (request.length % 2 === 0) reply(answer);
    else setImmediate(() => reply(answer));
  },
  replace: () => undefined,
};

const transports: Transport[] = [];
const addresses: string[] = [];

beforeAll(async () => {
  for (const [, create] of TRANSPORTS) {
    const transport = create({ listen: ["127.0.0.1:0"], checks, log: { warn: () => undefined } });
    addresses.push(...(await transport.start()));
    transport.setServing(true);
    transports.push(transport);
  }
});
afterAll(async () => {
  await Promise.all(transports.map((transport) => transport.stop()));
});

const often = <T>(usual: T, others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const HEALTH_PATH = "/grpc.health.v1.Health/Check";
const path = often("/envoy.service.auth.v3.Authorization/Check", [
  HEALTH_PATH,
  "/grpc.health.v1.Health/List",
  "/envoy.service.auth.v3.Authorization/check",
  "/envoy.service.auth.v3.Authorization/Check/",
  "/",
]);
const contentType = often("application/grpc", [
  "application/grpc+proto",
  "application/grpc;a=b",
  "application/json",
  "",
]);
/** Not "123456789S" or "-1S": the library looks for a time anywhere in the text, where gRPC has one of 8 digits at most. */
const timeout = fc.constantFrom(undefined, undefined, "10S", "1H", "99999999m", "5000000u", "", "soon", "1", "1X");
const encoding = often(undefined, ["identity", "gzip", "deflate", "snappy"]);
const parent = fc.constantFrom(undefined, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "nonsense");
const further = fc.array(
  fc.tuple(
    fc.constantFrom("x-a", "x-b", "user-agent", "grpc-accept-encoding", "x-bin"),
    fc.stringMatching(/^[!-~]{1,30}$/),
  ),
  { maxLength: 4 },
);

const body = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => message(bytes)) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 9000 }).map((length) => message(Buffer.alloc(length, length))) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      Buffer.alloc(0),
      Buffer.of(0, 0, 0),
      message(Buffer.of(1, 2), 3),
      message(Buffer.of(1, 2), 1),
      message(Buffer.of(1, 2), 0xffff_ffff),
      Buffer.concat([message(Buffer.of(1)), message(Buffer.of(2))]),
      Buffer.concat([Buffer.of(1), uint32(3), Buffer.of(1, 2, 3)]),
      Buffer.concat([Buffer.of(2), uint32(3), Buffer.of(1, 2, 3)]),
    ),
  },
);

const call = fc.record({
  path,
  contentType,
  timeout,
  encoding,
  parent,
  state: fc.constantFrom(undefined, "a=b", "a=b,c=d"),
  hasTe: fc.boolean(),
  further,
  order: fc.array(fc.nat(20), { minLength: 14, maxLength: 14 }),
  headerCuts: fc.array(fc.nat(200), { maxLength: 2 }),
  headerPad: fc.option(fc.nat(50), { nil: undefined, freq: 2 }),
  hasPriority: fc.boolean(),
  body,
  bodyCuts: fc.array(fc.nat(500), { maxLength: 4 }),
  bodyPads: fc.array(fc.option(fc.nat(20), { nil: undefined }), { minLength: 6, maxLength: 6 }),
  end: fc.constantFrom("with its last byte", "with empty DATA", "with trailers"),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** Health is carried by the library's own calls, which take damaged messages for what they are not: whole ones only. */
function soundIfHealth(wanted: Call): Call {
  if (wanted.path !== HEALTH_PATH) return wanted;
  const asked = wanted.hasTe ? Buffer.alloc(0) : Buffer.from([0x0a, 1, 0x78]); // the server's, or of a service "x"
  return { ...wanted, body: message(asked), encoding: undefined, timeout: undefined };
}

function headersOf(wanted: Call): readonly Header[] {
  const optional: readonly (readonly [string, string | undefined])[] = [
    ["content-type", wanted.contentType === "" ? undefined : wanted.contentType],
    ["te", wanted.hasTe ? "trailers" : undefined],
    ["grpc-timeout", wanted.timeout],
    ["grpc-encoding", wanted.encoding],
    ["traceparent", wanted.parent],
    ["tracestate", wanted.state],
    ...wanted.further,
  ];
  const regular = optional.flatMap(([name, value]): Header[] => (value === undefined ? [] : [[name, value]]));
  const pseudo: readonly Header[] = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", wanted.path],
    [":authority", "a"],
  ];
  return [...shuffled(pseudo, wanted.order), ...shuffled(regular, wanted.order.slice(4))];
}

function shuffled<T>(items: readonly T[], order: readonly number[]): readonly T[] {
  return items
    .map((item, at) => ({ item, rank: order[at] ?? 0 }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** `bytes` in pieces, cut at these places; some may be empty. */
function cut(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [0, ...cuts.map((at) => Math.min(at, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, at) => bytes.subarray(places[at], end));
}

function padded(type: number, flags: number, id: number, payload: Buffer, pad: number | undefined): Buffer {
  if (pad === undefined) return frame(type, flags, id, payload);
  return frame(type, flags | FLAG.padded, id, Buffer.concat([Buffer.of(pad), payload, Buffer.alloc(pad)]));
}

function headerFrames(id: number, wanted: Call): Buffer {
  const [first = Buffer.alloc(0), ...rest] = cut(encodeHeaderBlock(headersOf(wanted)), wanted.headerCuts);
  const priority = wanted.hasPriority ? Buffer.concat([uint32(0), Buffer.of(15)]) : Buffer.alloc(0);
  const flags = (wanted.hasPriority ? FLAG.priority : 0) | (rest.length === 0 ? FLAG.endHeaders : 0);
  return Buffer.concat([
    padded(FRAME.headers, flags, id, Buffer.concat([priority, first]), wanted.headerPad),
    ...rest.map((piece, at) => frame(FRAME.continuation, at === rest.length - 1 ? FLAG.endHeaders : 0, id, piece)),
  ]);
}

/** What cannot be parted by frames of other streams, in order. */
function unitsOf(id: number, wanted: Call): Buffer[] {
  const pieces = cut(wanted.body, wanted.bodyCuts);
  const endsWithBody = wanted.end === "with its last byte";
  const data = pieces.map((piece, at) => {
    const flags = endsWithBody && at === pieces.length - 1 ? FLAG.endStream : 0;
    return padded(FRAME.data, flags, id, piece, wanted.bodyPads[at]);
  });
  if (wanted.end === "with empty DATA") data.push(frame(FRAME.data, FLAG.endStream, id));
  if (wanted.end === "with trailers") {
    data.push(frame(FRAME.headers, FLAG.endStream | FLAG.endHeaders, id, encodeHeaderBlock([["x-trailer", "1"]])));
  }
  return [headerFrames(id, wanted), ...data];
}

/** The units of all calls in one stream of bytes: each call's in order, and streams begun in the order of their ids. */
function interleaved(calls: readonly Call[], picks: readonly number[]): Buffer {
  const waiting = calls.map((wanted, at) => unitsOf(at * 2 + 1, wanted));
  const begun: Buffer[][] = [];
  const bytes: Buffer[] = [];
  for (let turn = 0; waiting.length > 0 || begun.length > 0; turn += 1) {
    const pick = (picks[turn % picks.length] ?? 0) % (begun.length + (waiting.length > 0 ? 1 : 0));
    if (pick === begun.length) begun.push(waiting.shift() ?? []);
    const units = begun[pick] ?? [];
    const unit = units.shift();
    if (unit === undefined) begun.splice(pick, 1);
    else bytes.push(unit);
  }
  return Buffer.concat(bytes);
}

interface Outcome {
  readonly httpStatus: string | undefined;
  readonly grpcStatus: string | undefined;
  readonly body: string;
}

/** What each call got; `cuts`: where the byte stream is parted into writes of their own. */
async function outcomesAt(
  address: string,
  bytes: Buffer,
  cuts: readonly number[],
  callCount: number,
): Promise<readonly Outcome[]> {
  const peer = await Http2Peer.open(address, [[SETTING.initialWindowSize, 1 << 20]]);
  for (const piece of cut(bytes, cuts)) {
    peer.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const outcomes: Outcome[] = [];
  for (let at = 0; at < callCount; at += 1) {
    const { headers, body: answered } = await peer.answer(at * 2 + 1);
    const httpStatus = headers[":status"];
    // The text beside a status that is not gRPC's is for people.
    outcomes.push({
      httpStatus,
      grpcStatus: headers["grpc-status"],
      body: httpStatus === "200" ? answered.toString("hex") : "",
    });
  }
  peer.close();
  return outcomes;
}

test("the same calls get the same answers, however their bytes arrive", async () => {
  const seen = new Map<string, number>();
  const conversation = fc.record({
    calls: fc.array(call.map(soundIfHealth), { minLength: 1, maxLength: 5 }),
    picks: fc.array(fc.nat(10), { minLength: 1, maxLength: 20 }),
    cuts: fc.array(fc.nat(3000), { maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(conversation, async ({ calls, picks, cuts }) => {
      const bytes = interleaved(calls, picks);
      const [ours = [], theirs = []] = await Promise.all(
        addresses.map((address) => outcomesAt(address, bytes, cuts, calls.length)),
      );
      expect(ours).toEqual(theirs);
      for (const { httpStatus, grpcStatus } of ours) {
        const kind = `${httpStatus}/${grpcStatus}`;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    runs(400),
  );
  // Right and wrong ones were among them.
  expect([...seen.keys()].toSorted()).toEqual(["200/0", "200/12", "200/13", "200/5", "200/8", "415/undefined"]);
});
