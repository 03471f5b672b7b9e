// A burst on one connection: other connections do not wait until all of it is read, and all of it is answered, whatever
// happens meanwhile.
import type { ConnectionOptions } from "node:tls";
import { afterEach, expect, test } from "vitest";
import type { CheckHandler } from "../../src/ext-authz/check-handler.ts";
import type { TlsMaterial, Transport } from "../../src/ext-authz/transport.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { eventLoop } from "../../src/resilience/schedule.ts";
import { createCertificate } from "../support/certificate.ts";
import { FLAG, FRAME, frame, SETTING, uint32 } from "../support/http2-frames.ts";
import { check, Http2Peer } from "../support/http2-peer.ts";
import { until } from "../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const CALL_COUNT = 400;
/** With it a call is as large as an ordinary Check. */
const PADDING = ".".repeat(1_300);
const idOf = (at: number): number => at * 2 + 1;
/** Calls from the `first` on. */
function burstFrom(first: number): Buffer {
  const calls = Array.from({ length: CALL_COUNT }, (_, at) => check(idOf(first + at), `burst ${first + at}${PADDING}`));
  return Buffer.concat(calls);
}
const BURST = burstFrom(0);

/** What a call is answered with, once: its own name, at once, unless a test says otherwise. */
type Judge = (name: string, reply: (answer: string) => void) => void;

interface Running {
  readonly transport: Transport;
  readonly address: string;
  /** Names of the calls, in the order in which they were judged. */
  readonly judged: string[];
}

async function serve(judge: Judge = (name, reply) => reply(name), tls?: TlsMaterial): Promise<Running> {
  const judged: string[] = [];
  const checks: CheckHandler = {
    check(request, _call, reply) {
      const [name = ""] = request.toString("latin1").split(".", 1);
      judged.push(name);
      judge(name, (answer) => reply(Buffer.from(answer)));
    },
    replace: () => undefined,
  };
  const log = { warn: () => undefined };
  const transport = createWireServer({ listen: ["127.0.0.1:0"], checks, log, tls, times: { goAwayMs: 60_000 } });
  const [address] = await transport.start();
  cleanups.push(() => transport.stop());
  return { transport, address: address as string, judged };
}

async function peerOf(
  address: string,
  said: readonly (readonly [number, number])[] = [],
  tls?: ConnectionOptions,
): Promise<Http2Peer> {
  const peer = await Http2Peer.open(address, said, tls);
  cleanups.push(() => peer.close());
  return peer;
}

/** Each call of a burst by its own name, which may be followed by more. */
async function expectAnswered(peer: Http2Peer, first = 0): Promise<void> {
  await peer.answer(idOf(first + CALL_COUNT - 1));
  for (let at = first; at < first + CALL_COUNT; at += 1) {
    const { body, headers } = await peer.answer(idOf(at));
    const [name] = body.toString("latin1", 5).split(".", 1);
    expect([headers["grpc-status"], name]).toEqual(["0", `burst ${at}`]);
  }
}

/** One that has sent a burst before: the kernel has grown its buffers (tcp(7)), and more of the next lies there at once. */
async function crowdOf({ address, judged }: Running): Promise<Http2Peer> {
  const crowd = await peerOf(address);
  crowd.send(BURST);
  await expectAnswered(crowd);
  judged.length = 0;
  return crowd;
}

test("a call on another connection is judged, and its answer leaves, while a burst is still read", async () => {
  const running = await serve();
  const { address, judged } = running;
  const [crowd, other] = [await crowdOf(running), await peerOf(address)];
  let judgedBeforeAnswer = 0;
  other.socket.once("data", () => (judgedBeforeAnswer = judged.length));
  crowd.send(burstFrom(CALL_COUNT));
  other.send(check(1, "other"));
  await other.answer(1);
  await expectAnswered(crowd, CALL_COUNT);
  expect(judged).toHaveLength(CALL_COUNT + 1);
  expect(judged.indexOf("other")).toBeLessThan(CALL_COUNT / 4);
  expect(judgedBeforeAnswer).toBeLessThan(CALL_COUNT / 2);
});

test("work for new tokens waits until a burst is read, and known ones in it are judged", async () => {
  let judgedBeforeWork = 0;
  const running = await serve((name, reply) => {
    if (name === `burst ${CALL_COUNT}`) eventLoop.last(() => (judgedBeforeWork = running.judged.length));
    reply(name);
  });
  const crowd = await crowdOf(running);
  crowd.send(burstFrom(CALL_COUNT));
  await expectAnswered(crowd, CALL_COUNT);
  expect(judgedBeforeWork).toBe(CALL_COUNT);
});

test("a client that says its last word right behind the burst hears all answers", async () => {
  const { address } = await serve();
  const crowd = await peerOf(address);
  crowd.send(BURST);
  crowd.socket.end();
  await expectAnswered(crowd);
  expect(await crowd.end()).toBe("none");
});

test("the same over TLS", async () => {
  const { certificatePem, privateKeyPem } = createCertificate();
  const material = { certificate: certificatePem, key: privateKeyPem, clientCa: undefined };
  const { address } = await serve(undefined, material);
  const crowd = await peerOf(address, [], { ca: certificatePem });
  crowd.send(BURST);
  crowd.socket.end();
  await expectAnswered(crowd);
  expect(await crowd.end()).toBe("none");
});

test("a drain that begins while the burst is read lets all of it be answered", async () => {
  let drained: Promise<unknown> | undefined;
  const { address, judged, transport } = await serve((name, reply) => {
    if (drained === undefined) {
      drained = transport.drain(0, 30_000);
      const untilMs = performance.now() + 3; // its timer is due when this turn ends
      while (performance.now() < untilMs);
    }
    reply(name);
  });
  const crowd = await peerOf(address);
  crowd.send(BURST);
  const ping = await crowd.first("a PING", ({ type, flags }) => type === FRAME.ping && flags === 0);
  crowd.send(frame(FRAME.ping, FLAG.ack, 0, ping.payload));
  await expectAnswered(crowd);
  expect(await drained).toBe("finished");
  expect(judged).toHaveLength(CALL_COUNT);
  const goodbyeAt = crowd.frames.findIndex(({ type }) => type === FRAME.goAway);
  expect(goodbyeAt).toBeLessThan(crowd.frames.findIndex(({ streamId }) => streamId === idOf(CALL_COUNT / 2)));
});

test("a burst whose answers nobody takes is read no further, and to its end once they are taken", async () => {
  const long = ".".repeat(60_000); // all of them are more than any two sockets hold
  const { address, judged } = await serve((name, reply) => reply(name + long));
  const crowd = await peerOf(address, [[SETTING.initialWindowSize, 0x7fff_ffff]]);
  crowd.send(frame(FRAME.windowUpdate, 0, 0, uint32(0x7000_0000)));
  await crowd.settled();
  crowd.socket.pause();
  crowd.send(BURST);
  let judgedBefore = 0;
  await until("the server to read no more", () => {
    const hasStopped = judgedBefore > 0 && judged.length === judgedBefore;
    judgedBefore = judged.length;
    return hasStopped;
  });
  expect(judged.length).toBeLessThan(CALL_COUNT);
  crowd.socket.resume();
  await expectAnswered(crowd);
});
