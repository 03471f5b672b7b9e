// Frames that carry no call and yet make work (RFC 9113 §10.5): each kind comes to an end, whether or not their sender
// reads what they provoke; and honest use of the same frames does not.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODE, FLAG, FRAME, frame, SETTING, settings, uint32 } from "../support/http2-frames.ts";
import { check, checkHeaders, Http2Peer } from "../support/http2-peer.ts";
import { startVictim, type Victim } from "../support/victim.ts";

const FRAMES = 300_000;

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim();
});
afterAll(() => victim.stop());

const PING = frame(FRAME.ping, 0, 0, Buffer.alloc(8));
const FLOODS: readonly (readonly [name: string, frame: (at: number) => Buffer])[] = [
  ["PING", () => PING],
  ["answers to PINGs that nobody sent", () => frame(FRAME.ping, FLAG.ack, 0, Buffer.alloc(8))],
  ["SETTINGS", () => settings([])],
  ["SETTINGS that change every stream's window", (at) => settings([[SETTING.initialWindowSize, at]])],
  ["answers to SETTINGS that nobody sent", () => frame(FRAME.settings, FLAG.ack, 0)],
  ["empty DATA", () => frame(FRAME.data, 0, 1)],
  ["DATA of nothing but padding", () => frame(FRAME.data, FLAG.padded, 1, Buffer.alloc(10, 9))],
  ["WINDOW_UPDATE of the connection, one byte at a time", () => frame(FRAME.windowUpdate, 0, 0, uint32(1))],
  ["WINDOW_UPDATE of a stream, one byte at a time", () => frame(FRAME.windowUpdate, 0, 1, uint32(1))],
  ["WINDOW_UPDATE of closed streams", () => frame(FRAME.windowUpdate, 0, 3, uint32(1))],
  ["PRIORITY", (at) => frame(FRAME.priority, 0, at * 2 + 101, Buffer.alloc(5))],
  ["RST_STREAM of closed streams", () => frame(FRAME.resetStream, 0, 3, uint32(CODE.cancel))],
  ["GOAWAY", () => frame(FRAME.goAway, 0, 0, Buffer.alloc(8))],
  ["unknown frames", () => frame(250, 0, 1, Buffer.alloc(10))],
];

/** Stream 1 is open, stream 3 is closed. */
async function open(): Promise<Http2Peer> {
  const attacker = await Http2Peer.open(victim.address);
  attacker.send(checkHeaders(1), check(3, "done"));
  await attacker.answer(3);
  return attacker;
}

describe.each(FLOODS)("%s", (_, piece) => {
  test("without end", async () => {
    const attacker = await open();
    const faults = await victim.faultsDuring(async () => {
      await attacker.flood(FRAMES, piece);
      expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
    });
    expect(faults).toEqual([]);
  });
});

test.each(FLOODS.slice(0, 3))("%s from one who never reads the answers", async (_, piece) => {
  const attacker = await open();
  attacker.socket.pause();
  const faults = await victim.faultsDuring(async () => {
    // The server stops reading, or ends it: either way not all of them are taken.
    const flooded = attacker.flood(3_000_000, piece).then(
      () => "taken",
      () => "not taken",
    );
    const waited = new Promise((resolve) => setTimeout(resolve, 3_000, "not taken"));
    await Promise.race([flooded, waited]);
  });
  expect(faults).toEqual([]);
  attacker.close();
});

test("a peer that measures its path sends a PING with every call, and is welcome", async () => {
  const peer = await Http2Peer.open(victim.address);
  const calls = 20_000;
  await peer.flood(calls, (at) =>
    Buffer.concat([check(at * 2 + 1, "call"), PING, frame(FRAME.windowUpdate, 0, 0, uint32(100))]),
  );
  expect((await peer.answer(calls * 2 - 1, 60_000)).headers["grpc-status"]).toBe("0");
  peer.close();
});
