// CVE-2024-27316: a header block that never ends, in CONTINUATION frames of any size.
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { CODE, FLAG, FRAME, frame } from "../support/http2-frames.ts";
import { CHECK_HEADERS, Http2Peer } from "../support/http2-peer.ts";
import { startVictim, type Victim } from "../support/victim.ts";

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim();
});
afterAll(() => victim.stop());

const BLOCK = encodeHeaderBlock(CHECK_HEADERS);

test.each([
  ["empty", Buffer.alloc(0)],
  ["of one byte", Buffer.of(0x82)],
  ["of one field", encodeHeaderBlock([["x-a", "b".repeat(100)]])],
  ["as large as they may be", encodeHeaderBlock([["x-a", "b".repeat(16_000)]])],
])("frames that are %s", async (_, piece) => {
  const attacker = await Http2Peer.open(victim.address);
  const faults = await victim.faultsDuring(async () => {
    attacker.send(frame(FRAME.headers, 0, 1, BLOCK));
    await attacker.flood(100_000, () => frame(FRAME.continuation, 0, 1, piece));
    expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
  });
  expect(faults).toEqual([]);
});

test.each([
  ["another frame within a block", frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
  ["HEADERS within a block", frame(FRAME.headers, FLAG.endHeaders, 3, BLOCK)],
  ["CONTINUATION of another stream", frame(FRAME.continuation, FLAG.endHeaders, 3)],
  ["an unknown frame within a block", frame(99, 0, 1)],
])("%s ends the connection (RFC 9113 §4.3)", async (_, intruder) => {
  const attacker = await Http2Peer.open(victim.address);
  attacker.send(frame(FRAME.headers, 0, 1, BLOCK), intruder);
  expect(await attacker.end()).toBe(CODE.protocolError);
});

test("CONTINUATION without a block ends the connection", async () => {
  const attacker = await Http2Peer.open(victim.address);
  attacker.send(frame(FRAME.headers, FLAG.endHeaders, 1, BLOCK), frame(FRAME.continuation, FLAG.endHeaders, 1, BLOCK));
  expect(await attacker.end()).toBe(CODE.protocolError);
});
