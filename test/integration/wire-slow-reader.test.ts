// Peers that ask and do not take the answers: windows that stay shut, and sockets that are never read.
import { afterAll, beforeAll, expect, test } from "vitest";
import { CODE, FRAME, frame, SETTING, settings, uint32 } from "../support/http2-frames.ts";
import { check, Http2Peer } from "../support/http2-peer.ts";
import { startVictim, type Victim } from "../support/victim.ts";

let victim: Victim;

beforeAll(async () => {
  victim = await startVictim({ times: { tickMs: 50, stalledMs: 1_000 } });
});
afterAll(() => victim.stop());

const idOf = (at: number): number => at * 2 + 1;
const LARGE = "x".repeat(12_000);
const SHUT = [[SETTING.initialWindowSize, 0]] as const;

test("a window that stays shut: each answer waits for a while, then its stream is reset", async () => {
  const attacker = await Http2Peer.open(victim.address, SHUT);
  const faults = await victim.faultsDuring(async () => {
    attacker.send(check(1, "one"), check(3, "two"));
    expect((await attacker.answer(1)).resetCode).toBe(CODE.cancel);
    expect((await attacker.answer(3)).resetCode).toBe(CODE.cancel);
    attacker.send(settings([[SETTING.initialWindowSize, 100]]), check(5, "three"));
    expect((await attacker.answer(5)).headers["grpc-status"]).toBe("0");
  });
  expect(faults).toEqual([]);
  attacker.close();
});

test("windows that stay shut, and calls without end: what waits is bounded, then the connection ends", async () => {
  const attacker = await Http2Peer.open(victim.address, SHUT);
  const faults = await victim.faultsDuring(async () => {
    await attacker.flood(6_000, (at) => check(idOf(at), LARGE)); // as many as may be open at once
    expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
  });
  expect(faults).toEqual([]);
});

test("a window opened one byte at a time ends as a flood does", async () => {
  const attacker = await Http2Peer.open(victim.address, SHUT);
  const faults = await victim.faultsDuring(async () => {
    attacker.send(check(1, LARGE), check(3, LARGE));
    await attacker.flood(100_000, (at) => frame(FRAME.windowUpdate, 0, at % 2 === 0 ? 1 : 3, uint32(1)));
    expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
  });
  expect(faults).toEqual([]);
});

test("a socket that is never read: the server stops reading too, and then hangs up", async () => {
  const attacker = await Http2Peer.open(victim.address, [[SETTING.initialWindowSize, 0x7fff_ffff]]);
  attacker.send(frame(FRAME.windowUpdate, 0, 0, uint32(0x7000_0000)));
  attacker.socket.pause();
  const faults = await victim.faultsDuring(async () => {
    const flooding = attacker.flood(50_000, (at) => check(idOf(at), LARGE));
    await flooding.catch(() => undefined); // it is cut off while it sends
    attacker.socket.resume();
    await attacker.end();
  });
  expect(faults).toEqual([]);
});

test("answers wait for both windows and come whole, in any order that the windows are opened", async () => {
  const peer = await Http2Peer.open(victim.address, SHUT);
  const texts = ["a".repeat(30_000), "b".repeat(1), "c".repeat(20_000)];
  peer.send(...texts.map((text, at) => check(idOf(at), text)));
  await peer.settled();
  peer.send(frame(FRAME.windowUpdate, 0, 3, uint32(6)));
  expect((await peer.answer(3)).body.toString("latin1", 5)).toBe(texts[1]);
  peer.send(frame(FRAME.windowUpdate, 0, 5, uint32(20_004)), frame(FRAME.windowUpdate, 0, 5, uint32(1)));
  expect((await peer.answer(5)).body.toString("latin1", 5)).toBe(texts[2]);
  peer.send(settings([[SETTING.initialWindowSize, 30_005]]));
  expect((await peer.answer(1)).body.toString("latin1", 5)).toBe(texts[0]);
  peer.close();
});

test("a window made negative by SETTINGS stays shut until it is above nothing (RFC 9113 §6.9.2)", async () => {
  const peer = await Http2Peer.open(victim.address, [[SETTING.initialWindowSize, 10]]);
  peer.send(check(1, "0123456789"));
  await peer.settled();
  peer.send(settings([[SETTING.initialWindowSize, 0]]), frame(FRAME.windowUpdate, 0, 1, uint32(10)));
  await peer.settled();
  peer.send(frame(FRAME.windowUpdate, 0, 1, uint32(5)));
  expect((await peer.answer(1)).body.toString("latin1", 5)).toBe("0123456789");
  peer.close();
});
