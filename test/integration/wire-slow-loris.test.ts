// Peers that begin and never get on: with the preface, a header block, a request; and those who fall silent.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { CODE, FLAG, FRAME, frame, PREFACE, settings } from "../support/http2-frames.ts";
import { check, CHECK_HEADERS, checkHeaders, Http2Peer, message } from "../support/http2-peer.ts";
import { startVictim, type Victim } from "../support/victim.ts";

let victim: Victim;

beforeAll(async () => {
  const times = {
    tickMs: 20,
    prefaceMs: 400,
    headerBlockMs: 400,
    requestMs: 600,
    keepaliveMs: 1_500,
    keepaliveTimeoutMs: 500,
  };
  victim = await startVictim({ times });
});
afterAll(() => victim.stop());

/** Sends `bytes` one at a time, for as long as there is anybody to send them to. */
async function trickle(peer: Http2Peer, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    if (peer.isClosed) return;
    peer.send(Buffer.of(byte));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

// Beside each other, for nearly all that they do is wait.
describe.concurrent("one who does not get on", () => {
  describe.concurrent("a connection that does not get to its first SETTINGS is ended", () => {
    test.each([
      ["nothing", Buffer.alloc(0)],
      ["half a preface", PREFACE.subarray(0, 10)],
      ["a preface alone", PREFACE],
      ["a preface and half of SETTINGS", Buffer.concat([PREFACE, settings([[1, 4096]]).subarray(0, 12)])],
    ])("%s", async (_, said) => {
      const attacker = new Http2Peer(victim.address);
      attacker.send(said);
      expect(await attacker.end()).toBe(CODE.protocolError);
    });

    test("a byte at a time", async () => {
      const attacker = new Http2Peer(victim.address);
      const faults = await victim.faultsDuring(() => trickle(attacker, Buffer.concat([PREFACE, settings([])])));
      await attacker.end();
      expect(faults).toEqual([]);
    });
  });

  test("a thousand connections that say nothing cost little and go", async () => {
    const faults = await victim.faultsDuring(async () => {
      const attackers = Array.from({ length: 1000 }, () => new Http2Peer(victim.address));
      await Promise.all(attackers.map((attacker) => attacker.end(30_000)));
    });
    expect(faults).toEqual([]);
  });

  describe.concurrent.each([
    ["nothing follows", Buffer.alloc(0)],
    ["more comes, a byte at a time", Buffer.alloc(60, 0x82)],
  ])("a header block that does not end, %s", (_, rest) => {
    test("ends its connection", async () => {
      const attacker = await Http2Peer.open(victim.address);
      attacker.send(frame(FRAME.headers, 0, 1, encodeHeaderBlock(CHECK_HEADERS)));
      attacker.send(frame(FRAME.continuation, 0, 1, rest, 60).subarray(0, 9)); // the frame's header; its payload trickles
      await trickle(attacker, rest);
      expect(await attacker.end()).toBe(CODE.enhanceYourCalm);
    });
  });

  test("a request that does not end is refused, and its neighbours on the connection are not", async () => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(checkHeaders(1), frame(FRAME.data, 0, 1, message(Buffer.from("slow")).subarray(0, 7)), check(3, "quick"));
    expect((await peer.answer(3)).headers["grpc-status"]).toBe("0");
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("4");
    peer.send(check(5, "later"));
    expect((await peer.answer(5)).headers["grpc-status"]).toBe("0");
    peer.close();
  });

  test("a call that is judged for long is not a request that does not end", async () => {
    const peer = await Http2Peer.open(victim.address);
    peer.send(check(1, "hold"));
    await peer.first("a PING, for we are silent", ({ type, flags }) => type === FRAME.ping && (flags & FLAG.ack) === 0);
    victim.process.signal("SIGUSR2");
    expect((await peer.answer(1)).headers["grpc-status"]).toBe("0");
    peer.close();
  });

  test("one who does not answer PINGs is gone", async () => {
    const silent = await Http2Peer.open(victim.address);
    expect(await silent.end()).toBe("none");
  });

  test("one who answers them stays", async () => {
    const quiet = await Http2Peer.open(victim.address);
    for (let round = 0; round < 2; round += 1) {
      const before = quiet.frames.length;
      const ping = await quiet.first("a PING", (one) => one.type === FRAME.ping && quiet.frames.indexOf(one) >= before);
      quiet.send(frame(FRAME.ping, FLAG.ack, 0, ping.payload));
    }
    quiet.send(check(1, "still here"));
    expect((await quiet.answer(1)).headers["grpc-status"]).toBe("0");
    quiet.close();
  });

  test("half a frame for ever is silence", async () => {
    const attacker = await Http2Peer.open(victim.address);
    attacker.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)).subarray(0, 12));
    expect(await attacker.end()).toBe("none");
  });

  describe.concurrent("what is not HTTP/2 at all is shown out", () => {
    test.each([
      ["HTTP/1.1", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"],
      ["an upgrade to h2c", "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"],
      ["the preface with one wrong byte", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"],
      ["TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"],
      ["noise", "\x00\xff".repeat(1000)],
    ])("%s", async (_, said) => {
      const [host = "", port = ""] = victim.address.split(":");
      const socket = connect(Number(port), host);
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(Buffer.from(said, "latin1"));
      await new Promise((resolve) => socket.once("close", resolve));
      expect(socket.destroyed).toBe(true);
    });
  });
});
