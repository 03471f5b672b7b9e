// CVE-2023-44487: calls that are begun and reset at once, without end; and CVE-2025-8671, where the server is made to
// reset them. Resets themselves are Envoy's daily bread: a connection of nothing else goes on.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CODE, FLAG, FRAME, frame, uint32 } from "../support/http2-frames.ts";
import { check, checkHeaders, Http2Peer } from "../support/http2-peer.ts";
import { heldChecks, startVictim, type Victim } from "../support/victim.ts";

const CALLS = 100_000;
const CANCEL = uint32(CODE.cancel);

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim();
});
afterAll(() => victim.stop());

const idOf = (at: number): number => at * 2 + 1;
const reset = (at: number): Buffer => frame(FRAME.resetStream, 0, idOf(at), CANCEL);

test("calls reset before their message ends cost next to nothing, and the connection goes on", async () => {
  const attacker = await Http2Peer.open(victim.address);
  const faults = await victim.faultsDuring(async () => {
    await attacker.flood(CALLS, (at) => Buffer.concat([checkHeaders(idOf(at)), reset(at)]));
    attacker.send(check(idOf(CALLS), "after them"));
    expect((await attacker.answer(idOf(CALLS))).body.toString()).toContain("after them");
  });
  expect(faults).toEqual([]);
  attacker.close();
});

test("calls reset while they are judged are bounded: beyond, new ones are refused and may be tried again", async () => {
  const attacker = await Http2Peer.open(victim.address);
  const faults = await victim.faultsDuring(async () => {
    // The reset comes in another turn than the call, whose check has begun by then.
    for (let round = 0; round < 11; round += 1) {
      const all = Array.from({ length: 1000 }, (_, at) => round * 1000 + at);
      attacker.send(...all.map((at) => check(idOf(at), "hold")));
      await attacker.settled();
      attacker.send(...all.map(reset));
      await attacker.settled();
    }
  });
  expect(faults).toEqual([]);
  const refused = attacker.frames
    .filter(({ type }) => type === FRAME.resetStream)
    .map(({ payload }) => payload.readUInt32BE());
  expect(new Set(refused)).toEqual(new Set([CODE.refusedStream]));
  const held = await heldChecks(victim);
  expect(held).toBeGreaterThan(1000);
  expect(held).toBe(11_000 - refused.length);
  expect(held).toBeLessThan(10_000);
  attacker.send(check(idOf(11_000), "once those are answered"));
  expect((await attacker.answer(idOf(11_000))).headers["grpc-status"]).toBe("0");
  attacker.close();
});

describe("resets that the server is made to send (CVE-2025-8671) come to an end", () => {
  test.each([
    ["by a window that overflows", (id: number) => frame(FRAME.windowUpdate, 0, id, uint32(0x7fff_ffff))],
    ["by an increment of nothing", (id: number) => frame(FRAME.windowUpdate, 0, id, uint32(0))],
    [
      "by DATA after the end",
      (id: number) => Buffer.concat([frame(FRAME.data, FLAG.endStream, id), frame(FRAME.data, 0, id)]),
    ],
    [
      "by a stream that depends on itself",
      (id: number) => frame(FRAME.priority, 0, id, Buffer.concat([uint32(id), Buffer.of(1)])),
    ],
    ["by a PRIORITY of no size", (id: number) => frame(FRAME.priority, 0, id)],
  ])("%s", async (_, provocation) => {
    const attacker = await Http2Peer.open(victim.address);
    const faults = await victim.faultsDuring(async () => {
      await attacker.flood(CALLS, (at) => Buffer.concat([checkHeaders(idOf(at)), provocation(idOf(at))]));
      expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
    });
    expect(faults).toEqual([]);
  });
});
