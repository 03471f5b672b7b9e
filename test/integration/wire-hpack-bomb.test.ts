// Header blocks that are small on the wire and large once decoded, and blocks that break HPACK itself.
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { CODE, FLAG, FRAME, frame } from "../support/http2-frames.ts";
import { check, CHECK_HEADERS, Http2Peer, message } from "../support/http2-peer.ts";
import { startVictim, type Victim } from "../support/victim.ts";

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim();
});
afterAll(() => victim.stop());

/** x-a: 4,000 bytes, added to the table. */
const LARGE_ENTRY = Buffer.concat([Buffer.from("4003782d617fa11e", "hex"), Buffer.alloc(4000, "b")]);

const idOf = (at: number): number => at * 2 + 1;

test("sixteen thousand references to a large entry: the call is refused, the connection and its table go on", async () => {
  const attacker = await Http2Peer.open(victim.address);
  const bomb = Buffer.concat([encodeHeaderBlock(CHECK_HEADERS), Buffer.alloc(16_000, 0xbe)]);
  const faults = await victim.faultsDuring(async () => {
    const first = Buffer.concat([encodeHeaderBlock(CHECK_HEADERS), LARGE_ENTRY]);
    attacker.send(
      frame(FRAME.headers, FLAG.endHeaders, 1, first),
      frame(FRAME.data, FLAG.endStream, 1, message(Buffer.of(1))),
    );
    expect((await attacker.answer(1)).headers["grpc-status"]).toBe("0");
    await attacker.flood(1000, (at) =>
      Buffer.concat([
        frame(FRAME.headers, FLAG.endHeaders, idOf(at + 1), bomb),
        frame(FRAME.data, FLAG.endStream, idOf(at + 1), message(Buffer.of(1))),
      ]),
    );
    expect((await attacker.answer(idOf(1000), 60_000)).headers["grpc-status"]).toBe("8");
    const sound = Buffer.concat([encodeHeaderBlock(CHECK_HEADERS), Buffer.of(0xbe)]);
    const id = idOf(1001);
    attacker.send(
      frame(FRAME.headers, FLAG.endHeaders, id, sound),
      frame(FRAME.data, FLAG.endStream, id, message(Buffer.of(1))),
    );
    expect((await attacker.answer(id)).headers["grpc-status"]).toBe("0");
  });
  expect(faults).toEqual([]);
  attacker.close();
});

test("a table that is filled and emptied without end costs no memory", async () => {
  const attacker = await Http2Peer.open(victim.address);
  const churn = Buffer.concat([
    Buffer.of(0x20, 0x3f, 0xe1, 0x1f), // size 0, then 4,096 again
    encodeHeaderBlock(CHECK_HEADERS),
    ...Array.from({ length: 50 }, () => Buffer.concat([Buffer.from("4003782d617f21", "hex"), Buffer.alloc(160, "b")])),
  ]);
  const faults = await victim.faultsDuring(async () => {
    await attacker.flood(5000, (at) => frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, idOf(at), churn));
    attacker.send(check(idOf(5000), "after them"));
    expect((await attacker.answer(idOf(5000), 60_000)).headers["grpc-status"]).toBe("0");
  });
  expect(faults).toEqual([]);
  attacker.close();
});

test.each([
  ["an index behind the table", "be"],
  ["index 0", "80"],
  ["a table beyond what we announced", "3fe21f"],
  ["a string that the block cuts off", "0001617f"],
  ["an integer without end", "ffffffffffffffffffffffff"],
  ["a Huffman string with the end-of-string symbol", "008261ff84ffffffff"],
])("%s ends the connection", async (_, block) => {
  const attacker = await Http2Peer.open(victim.address);
  attacker.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, Buffer.from(block, "hex")));
  expect(await attacker.end()).toBe(CODE.compressionError);
});

test("trailers and late HEADERS are decoded too: damage in them ends the connection", async () => {
  const attacker = await Http2Peer.open(victim.address);
  attacker.send(check(1, "hold"), frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, Buffer.of(0xbe)));
  expect(await attacker.end()).toBe(CODE.compressionError);
});
