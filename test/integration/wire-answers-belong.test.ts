// Every answer reaches the call it answers, whole, whatever its neighbours do: the server writes into memory that it uses
// again, and its records of streams serve one call after another.
import { afterEach, describe, expect, test } from "vitest";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";
import { createCertificate } from "../support/certificate.ts";
import { createEchoChecks, type EchoChecks } from "../support/echo-checks.ts";
import { CODE, FRAME, frame, SETTING, uint32 } from "../support/http2-frames.ts";
import { check, Http2Peer } from "../support/http2-peer.ts";
import { until } from "../support/wait.ts";

const OPEN_WINDOWS = [[SETTING.initialWindowSize, 0x7fff_ffff]] as const;
const SERVER = createCertificate();
const MATERIAL = { certificate: SERVER.certificatePem, key: SERVER.privateKeyPem, clientCa: undefined };
const TRUST = { ca: SERVER.certificatePem };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(isSecure: boolean): Promise<{ checks: EchoChecks; open: () => Promise<Http2Peer> }> {
  const checks = createEchoChecks();
  const transport = createWireServer({
    listen: ["127.0.0.1:0"],
    checks: checks.handler,
    log: { warn: () => undefined },
    tls: isSecure ? MATERIAL : undefined,
    times: { stalledMs: 600_000 },
  });
  const [address = ""] = await transport.start();
  cleanups.push(() => transport.stop());
  return {
    checks,
    async open() {
      const peer = await Http2Peer.open(address, OPEN_WINDOWS, isSecure ? TRUST : undefined);
      cleanups.push(() => peer.close());
      peer.send(frame(FRAME.windowUpdate, 0, 0, uint32(0x7000_0000)));
      return peer;
    },
  };
}

const idOf = (at: number): number => at * 2 + 1;
/** Bytes that no other call has, of a length that few have. */
const textOf = (whose: string, at: number): string => `${whose} ${at} `.repeat(1 + ((at * 37) % 1_500));

async function expectOwnAnswers(peer: Http2Peer, whose: string, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) {
    const { body } = await peer.answer(idOf(at), 30_000);
    if (body.toString("latin1", 5) !== textOf(whose, at)) expect.fail(`answer ${at} of ${whose} is another one`);
  }
}

describe.each([
  ["clear text", false],
  ["TLS", true],
])("over %s", (_name, isSecure) => {
  test("whoever reads late reads what was written for it, though others were answered meanwhile", async () => {
    const { open } = await start(isSecure);
    const slow = await Promise.all([open(), open()]);
    const fast = await Promise.all([open(), open(), open()]);
    const isHeldUp = (): boolean => (slow[0]?.socket.writableLength ?? 0) > 0; // the server has stopped reading it
    let rounds = 0;
    const perRound = 60;
    for (const peer of slow) peer.socket.pause();
    for (; rounds < 20 || (!isHeldUp() && rounds < 300); rounds++) {
      const [from, to] = [rounds * perRound, (rounds + 1) * perRound];
      for (const [who, peer] of [...slow, ...fast].entries()) {
        for (let at = from; at < to; at++) peer.send(check(idOf(at), textOf(`peer ${who}`, at)));
      }
      for (const [who, peer] of fast.entries()) await expectOwnAnswers(peer, `peer ${slow.length + who}`, from, to);
      slow[1]?.socket[rounds % 2 === 0 ? "resume" : "pause"](); // now and then, while the other reads nothing at all
    }
    expect(isHeldUp()).toBe(true);
    for (const [who, peer] of slow.entries()) {
      peer.socket.resume();
      await expectOwnAnswers(peer, `peer ${who}`, 0, rounds * perRound);
    }
  }, 60_000);
});

test("an answer that comes after its stream was reset goes to nobody, and never to a later call", async () => {
  const { checks, open } = await start(false);
  const [one, two] = [await open(), await open()];
  const count = 600; // more than the records that are kept for use again
  for (const peer of [one, two]) {
    for (let at = 0; at < count; at++) {
      peer.send(check(idOf(at), `hold ${at}`));
    }
  }
  await until("all to be asked", () => checks.held.length === 2 * count);
  const resets = Array.from({ length: count }, (_, at) => frame(FRAME.resetStream, 0, idOf(at), uint32(CODE.cancel)));
  one.send(...resets);
  two.send(...resets.filter((_, at) => at % 2 === 0));
  await one.settled();
  await two.settled();
  for (const [who, peer] of [one, two].entries()) {
    for (let at = count; at < 2 * count; at++) peer.send(check(idOf(at), textOf(`hold ${who}`, at)));
  }
  await until("the later ones to be asked", () => checks.held.length === 4 * count);
  checks.release(); // the oldest first
  for (const [who, peer] of [one, two].entries()) await expectOwnAnswers(peer, `hold ${who}`, count, 2 * count);
  for (let at = 0; at < count; at++) {
    expect(one.bodyBytes(idOf(at))).toBeUndefined();
    if (at % 2 === 0) expect(two.bodyBytes(idOf(at))).toBeUndefined();
    else expect((await two.answer(idOf(at))).body.toString("latin1", 5)).toBe(`hold ${at}`);
  }
});
