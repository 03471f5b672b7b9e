// The transport on the stock gRPC library, by real clients: addresses, metadata, sizes, the age of connections, and
// errors of gRPC's own.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { status } from "@grpc/grpc-js";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { createCheckBench, outcomeOf, rule, type BenchOptions, type CheckBench } from "../support/check-bench.ts";
import type { CheckRequestMessage } from "../support/ext-authz-proto.ts";
import { connectClients, type GrpcClients } from "../support/grpc-clients.ts";
import { startProcess } from "../support/process.ts";
import { TRANSPORTS } from "../support/transports.ts";
import { until } from "../support/wait.ts";

const CHECK_SERVICE = "envoy.service.auth.v3.Authorization";
const REQUEST: CheckRequestMessage = {
  attributes: { request: { http: { method: "GET", path: "/orders", headers: { authorization: "Bearer a.b.c" } } } },
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Running {
  readonly transport: Transport;
  readonly bound: readonly string[];
  readonly bench: CheckBench;
  readonly clients: GrpcClients;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Counts, from now on, how many connections of a listening address were set to TCP_NODELAY. */
function noDelayOf(): (address: string) => number {
  const sockets = new Map<Socket, number | undefined>();
  const original = Socket.prototype.setNoDelay;
  vi.spyOn(Socket.prototype, "setNoDelay").mockImplementation(function (this: Socket, noDelay = true) {
    if (noDelay) sockets.set(this, this.localPort);
    else sockets.delete(this);
    return original.call(this, noDelay);
  });
  cleanups.push(() => vi.restoreAllMocks());
  return (address) => [...sockets.values()].filter((port) => address.endsWith(`:${port}`)).length;
}

describe.each(TRANSPORTS)("%s:", (_name, createTransport) => {
  async function serve(
    options: Partial<BenchOptions> = {},
    listen: readonly string[] = ["127.0.0.1:0"],
  ): Promise<Running> {
    const bench = createCheckBench(options);
    const transport = createTransport({ listen, checks: bench.handler, log: { warn: () => undefined } });
    const bound = await transport.start();
    transport.setServing(true);
    cleanups.push(() => transport.stop());
    const clients = connectClients(bound[0] as string);
    cleanups.push(() => clients.close());
    return { transport, bound, bench, clients };
  }

  describe("a Check over gRPC", () => {
    test("is answered over TCP and over a unix socket at once", async () => {
      const socket = join(temporaryFolder(), "authz.sock");
      const { bound } = await serve({}, ["127.0.0.1:0", `unix:${socket}`, "[::1]:0"]);
      expect(bound).toEqual([
        expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/),
        `unix:${socket}`,
        expect.stringMatching(/^\[::1\]:[1-9]\d*$/),
      ]);
      for (const target of bound) {
        const clients = connectClients(target);
        cleanups.push(() => clients.close());
        expect(outcomeOf(await clients.check(REQUEST))).toBe("allow");
      }
    });

    test("carries trace context and grpc-timeout in its metadata", async () => {
      const { clients, bench } = await serve();
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      await clients.check(REQUEST, { timeoutMs: 60_000 }); // connects, which takes its time too
      await clients.check(REQUEST, { metadata: { traceparent, tracestate: "a=b" }, timeoutMs: 100 });
      expect(bench.traces[1]).toEqual({ traceparent, tracestate: "a=b" });
      const [long, short] = bench.verifications.map(({ deadlineAtMs }) => deadlineAtMs - bench.now().monotonicMs);
      expect(short).toBeLessThanOrEqual(80);
      expect(short).toBeGreaterThan(0);
      expect(long).toBe(150);
    });

    test("that is denied, for whatever reason, is no gRPC error", async () => {
      const { clients } = await serve({ evidence: new Error("broken") });
      expect(outcomeOf(await clients.check(REQUEST))).toBe("internal_error");
      expect(outcomeOf(await clients.check({}))).toBe("malformed_request");
      expect(outcomeOf(await clients.check({ attributes: { request: { http: {} } } }))).toBe("ambiguous_path");
    });

    test("larger than the library's default of 4 MiB is answered too", async () => {
      const { clients } = await serve();
      const http = { path: "/orders", headers: { authorization: "Bearer a.b.c" }, body: "x".repeat(6 * 1024 * 1024) };
      expect(outcomeOf(await clients.check({ attributes: { request: { http } } }))).toBe("allow");
    });

    test("of a service nobody knows is UNIMPLEMENTED", async () => {
      const { clients } = await serve();
      const call = clients.unary("/envoy.service.auth.v2.Authorization/Check");
      await expect(call).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
    });

    test("goes on without an error when its connection has grown too old (hazard 12)", async () => {
      const bench = createCheckBench();
      const log = { warn: () => undefined };
      const transport = createTransport({
        listen: ["127.0.0.1:0"],
        checks: bench.handler,
        log,
        maxAgeMs: 100,
      });
      const connections = noDelayOf();
      const [target] = await transport.start();
      cleanups.push(() => transport.stop());
      const clients = connectClients(target as string);
      cleanups.push(() => clients.close());
      await until("a third connection", async () => {
        expect(outcomeOf(await clients.check(REQUEST))).toBe("allow");
        return connections(target as string) >= 3;
      });
      expect(bench.decisions.every(({ outcome }) => outcome === "allow")).toBe(true);
    });

    test("has no delayed-ACK step: every accepted connection has TCP_NODELAY", async () => {
      const connections = noDelayOf();
      const { clients, bound } = await serve();
      await clients.check(REQUEST);
      expect(connections(bound[0] as string)).toBe(1);
    });

    test("keeps its connection while the caller takes back thousands of others", async () => {
      const { clients, bench } = await serve({ evidence: "later", maxInFlight: 10_000 });
      const inFlight = clients.check(REQUEST);
      await until("its judgement", () => bench.judgements.length === 1);
      for (let round = 0; round < 30; round++) {
        await Promise.all(Array.from({ length: 100 }, () => clients.cancelledCheck(REQUEST)));
      }
      bench.judgements[0]?.answer({ state: "active", source: "store", asOf: bench.now() });
      expect(outcomeOf(await inFlight)).toBe("allow");
    });
  });

  describe("gRPC health", () => {
    test("says NOT_SERVING until told otherwise, for the server and for the Check service", async () => {
      const { clients, transport } = await serve();
      for (const service of ["", CHECK_SERVICE]) {
        transport.setServing(false);
        expect(await clients.health(service)).toBe("NOT_SERVING");
        transport.setServing(true);
        expect(await clients.health(service)).toBe("SERVING");
      }
    });

    test("does not know other services: NOT_FOUND to a check, SERVICE_UNKNOWN to a watch that stays", async () => {
      const { clients } = await serve();
      await expect(clients.health("envoy.service.auth.v2.Authorization")).rejects.toMatchObject({
        code: status.NOT_FOUND,
      });
      const { seen, cancel } = clients.watch("other");
      await until("the first status", () => seen.length > 0);
      expect(seen).toEqual(["SERVICE_UNKNOWN"]);
      cancel();
    });

    test("tells a watch every change, and only changes", async () => {
      const { clients, transport } = await serve();
      const { seen, cancel } = clients.watch(CHECK_SERVICE);
      await until("the first status", () => seen.length === 1);
      transport.setServing(true);
      transport.setServing(false);
      transport.setServing(false);
      transport.setServing(true);
      await until("two changes", () => seen.length === 3);
      expect(seen).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
      cancel();
    });

    test("is looked at anew by whoever asks for it, once or for long: it never trails what readiness would say", async () => {
      const transport: Transport = createTransport({
        listen: ["127.0.0.1:0"],
        checks: createCheckBench().handler,
        log: { warn: () => undefined },
        beforeHealth: () => transport.setServing(isReady),
      });
      let isReady = true;
      const [target] = await transport.start();
      cleanups.push(() => transport.stop());
      const clients = connectClients(target as string);
      cleanups.push(() => clients.close());
      expect(await clients.health("")).toBe("SERVING");
      isReady = false;
      expect(await clients.health("")).toBe("NOT_SERVING");
      isReady = true;
      const { seen } = clients.watch("");
      await until("the first status", () => seen.length > 0);
      expect(seen).toEqual(["SERVING"]);
    });

    test("answers Checks all the same while NOT_SERVING", async () => {
      const { clients, transport } = await serve();
      transport.setServing(false);
      expect(outcomeOf(await clients.check(REQUEST))).toBe("allow");
    });
  });

  describe("hazard 32: a drain", () => {
    test("says NOT_SERVING first, answers new calls during the delay, lets those in flight finish, and then is gone", async () => {
      const { clients, transport, bench, bound } = await serve({ evidence: "later" });
      const { seen } = clients.watch("");
      await until("the watch", () => seen.length === 1);
      const inFlight = clients.check(REQUEST);
      await until("the first judgement", () => bench.judgements.length === 1);

      const drained = transport.drain(300, 10_000);
      await until("NOT_SERVING", () => seen.includes("NOT_SERVING"));
      expect(await clients.health("")).toBe("NOT_SERVING");
      transport.setServing(true);
      expect(await clients.health("")).toBe("NOT_SERVING");
      const during = clients.check(REQUEST);
      await until("a call during the delay", () => bench.judgements.length === 2);
      bench.judgements[1]?.answer({ state: "active", source: "store", asOf: bench.now() });
      expect(outcomeOf(await during)).toBe("allow");

      await until("GOAWAY: the watch ends", () => seen.at(-1) === "end");
      const late = connectClients(bound[0] as string);
      cleanups.push(() => late.close());
      await expect(late.check(REQUEST, { timeoutMs: 500 })).rejects.toMatchObject({ code: expect.any(Number) });
      bench.judgements[0]?.answer({ state: "active", source: "store", asOf: bench.now() });
      expect(outcomeOf(await inFlight)).toBe("allow");
      expect(await drained).toBe("finished");
    });

    test("cuts off what has not finished in time", async () => {
      const { clients, transport, bench } = await serve({ evidence: "later" });
      const inFlight = clients.check(REQUEST).catch((error: unknown) => error);
      await until("the judgement", () => bench.judgements.length === 1);
      expect(await transport.drain(0, 50)).toBe("cut_off");
      expect(await inFlight).toBeInstanceOf(Error);
      bench.judgements[0]?.answer({ state: "active", source: "store", asOf: bench.now() }); // the late answer goes nowhere
      expect(bench.logged).toEqual([]);
    });

    test("is held up by no watch, not even one of a service that nobody knows", async () => {
      const { clients, transport } = await serve();
      const watches = ["", "other"].map((service) => clients.watch(service));
      await until("both watches", () => watches.every(({ seen }) => seen.length === 1));
      expect(await transport.drain(0, 1_000)).toBe("finished");
      expect(watches.map(({ seen }) => seen)).toEqual([
        ["SERVING", "NOT_SERVING", "end"],
        ["SERVICE_UNKNOWN", "end"],
      ]);
    });

    test("of an idle server takes its delay and no more, keepalive connections or not", async () => {
      const { clients, transport } = await serve();
      await clients.check(REQUEST);
      expect(await transport.drain(0, 10_000)).toBe("finished");
    });
  });

  describe("a peer that neither speaks nor reads", () => {
    async function mute(address: string): Promise<Socket> {
      const peer = connect(Number(address.split(":")[1]), "127.0.0.1");
      cleanups.push(() => peer.destroy());
      await new Promise<void>((resolve, reject) => peer.once("connect", resolve).once("error", reject));
      return peer;
    }

    test.each([
      ["nothing", ""],
      ["the beginning of HTTP/2's greeting", "PRI * HT"],
      ["a whole greeting", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
    ])("holds no drain up after %s, though it never closes its end", async (_what, said) => {
      const { clients, transport, bound } = await serve();
      const peer = await mute(bound[0] as string);
      peer.write(said);
      await clients.check(REQUEST);
      const beganAt = performance.now();
      expect(await transport.drain(0, 10_000)).toBe("finished");
      expect(performance.now() - beganAt).toBeLessThan(5_000);
    });
  });

  describe("a unix socket", () => {
    test("left behind by a process that died is taken over", async () => {
      const socket = join(temporaryFolder(), "authz.sock");
      const dead = startProcess(process.execPath, [
        "-e",
        `require("net").createServer().listen(${JSON.stringify(socket)}, () => console.log("up"))`,
      ]);
      await dead.line(/up/);
      dead.signal("SIGKILL");
      await dead.end();
      expect(existsSync(socket)).toBe(true);
      const { clients } = await serve({}, [`unix:${socket}`]);
      expect(outcomeOf(await clients.check(REQUEST))).toBe("allow");
    });

    test("on which somebody listens is left alone", async () => {
      const socket = join(temporaryFolder(), "authz.sock");
      const other = createServer((connection) => connection.on("error", () => undefined).end("still here"));
      await new Promise<void>((resolve) => other.listen(socket, resolve));
      cleanups.push(() => other.close());
      await expect(serve({}, [`unix:${socket}`])).rejects.toThrow(/another process listens/);
      const greeting = await new Promise((resolve, reject) =>
        connect(socket).once("data", resolve).once("error", reject),
      );
      expect(String(greeting)).toBe("still here");
    });

    test("is not made out of a file of somebody else's", async () => {
      const file = join(temporaryFolder(), "precious");
      writeFileSync(file, "data");
      await expect(serve({}, [`unix:${file}`])).rejects.toThrow(/not a socket/);
      expect(existsSync(file)).toBe(true);
    });

    test("is gone after a stop, and after a drain", async () => {
      const folder = temporaryFolder();
      const sockets = [join(folder, "a.sock"), join(folder, "b.sock")];
      const [first, second] = await Promise.all(sockets.map((socket) => serve({}, [`unix:${socket}`])));
      expect(sockets.map((socket) => existsSync(socket))).toEqual([true, true]);
      await first?.transport.stop();
      await second?.transport.drain(0, 1_000);
      await until("both files gone", () => sockets.every((socket) => !existsSync(socket)));
    });
  });

  test("an address that is taken stops the start, and nothing stays bound", async () => {
    const { bound } = await serve();
    const bench = createCheckBench({ rules: [rule({ path: "/**" })] });
    const socket = join(temporaryFolder(), "authz.sock");
    const transport = createTransport({
      listen: [`unix:${socket}`, bound[0] as string],
      checks: bench.handler,
      log: { warn: () => undefined },
    });
    await expect(transport.start()).rejects.toThrow(/cannot listen on 127\.0\.0\.1:\d+.*EADDRINUSE/s);
    await until("the socket freed", () => !existsSync(socket));
  });
});
