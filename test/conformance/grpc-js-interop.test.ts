// The gRPC interoperability cases for unary calls, run by @grpc/grpc-js's client against every transport, with
// messages that are echoed.
import {
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ClientOptions,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Transport } from "../../src/ext-authz/transport.ts";
import { createEchoChecks, type EchoChecks } from "../support/echo-checks.ts";
import { TRANSPORTS } from "../support/transports.ts";
import { until } from "../support/wait.ts";

const CHECK = "/envoy.service.auth.v3.Authorization/Check";
const asItIs = (bytes: Buffer): Buffer => bytes;

interface Call {
  readonly ended: Promise<Buffer>;
  cancel(): void;
}

describe.each(TRANSPORTS)("grpc-js's client of %s", (_name, createTransport) => {
  let checks: EchoChecks;
  let transport: Transport;
  let target: string;
  const clients: Client[] = [];

  beforeAll(async () => {
    checks = createEchoChecks();
    transport = createTransport({ listen: ["127.0.0.1:0"], checks: checks.handler, log: { warn: () => undefined } });
    [target = ""] = await transport.start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => transport.stop());

  function connect(options: ClientOptions = {}): Client {
    const unbounded = { "grpc.max_receive_message_length": -1, "grpc.use_local_subchannel_pool": 1 };
    const client = new Client(target, credentials.createInsecure(), { ...unbounded, ...options });
    clients.push(client);
    return client;
  }

  function start(
    client: Client,
    message: Buffer,
    options: CallOptions = {},
    path = CHECK,
    metadata = new Metadata(),
  ): Call {
    let cancel = (): void => undefined;
    const ended = new Promise<Buffer>((resolve, reject) => {
      const sent = client.makeUnaryRequest(path, asItIs, asItIs, message, metadata, options, (error, answer) =>
        error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error("no answer")),
      );
      cancel = () => sent.cancel();
    });
    return { ended, cancel: () => cancel() };
  }

  async function failure(call: Call): Promise<ServiceError> {
    try {
      await call.ended;
    } catch (error) {
      return error as ServiceError;
    }
    throw new Error("it was answered");
  }

  test.each([0, 1, 16_379, 65_530, 271_828, 8 * 1024 * 1024])("a message of %i bytes comes back", async (length) => {
    const message = Buffer.alloc(length, "portcullis");
    expect((await start(connect(), message).ended).equals(message)).toBe(true);
  });

  test("many at once, far more than one connection's streams of the stock library", async () => {
    const client = connect();
    const messages = Array.from({ length: 2000 }, (_, at) => Buffer.alloc((at * 37) % 2000, at));
    const answers = await Promise.all(messages.map((message) => start(client, message).ended));
    expect(answers.every((answer, at) => answer.equals(messages[at] as Buffer))).toBe(true);
  });

  test("a deadline that passes is DEADLINE_EXCEEDED, and the Check knew of it", async () => {
    const client = connect();
    const before = checks.calls.length;
    const error = await failure(start(client, Buffer.from("hold"), { deadline: Date.now() + 200 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(checks.calls[before]?.grpcTimeoutMs).toBeLessThanOrEqual(200);
    checks.release(); // too late: it goes nowhere
    expect(String(await start(client, Buffer.from("next")).ended)).toBe("next");
  });

  test("a call taken back is CANCELLED, and its late answer hurts nobody", async () => {
    const client = connect();
    const call = start(client, Buffer.from("hold"));
    await until("the check to begin", () => checks.held.length === 1);
    call.cancel();
    expect((await failure(call)).code).toBe(status.CANCELLED);
    checks.release();
    expect(String(await start(client, Buffer.from("next")).ended)).toBe("next");
  });

  test.each([CHECK.toLowerCase(), "/grpc.health.v1.Health/List", "/none", "/a.B/%41~"])(
    "%s is UNIMPLEMENTED",
    async (path) => {
      const error = await failure(start(connect(), Buffer.from("x"), {}, path));
      expect(error.code).toBe(status.UNIMPLEMENTED);
    },
  );

  test("a compressed message is UNIMPLEMENTED", async () => {
    const compressing = connect({ "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
    const error = await failure(start(compressing, Buffer.alloc(1000)));
    expect(error.code).toBe(status.UNIMPLEMENTED);
  });

  test("metadata of every shape is carried past", async () => {
    const metadata = new Metadata();
    metadata.add("x-a", "1");
    metadata.add("x-a", "2");
    metadata.set("x-raw-bin", Buffer.from([0, 255, 10]));
    metadata.set("x-long", "v".repeat(6000));
    const client = connect();
    for (let round = 0; round < 3; round += 1) {
      expect(String(await start(client, Buffer.from("m"), {}, CHECK, metadata).ended)).toBe("m");
    }
  });

  test("a client that pings every few milliseconds keeps its connection, idle or not", async () => {
    const client = connect({
      "grpc.keepalive_time_ms": 20,
      "grpc.keepalive_timeout_ms": 5_000,
      "grpc.keepalive_permit_without_calls": 1,
    });
    const long = start(client, Buffer.from("hold"));
    await until("the check to begin", () => checks.held.length === 1);
    const channel = client.getChannel();
    const state = channel.getConnectivityState(false);
    await new Promise((resolve) => setTimeout(resolve, 500)); // two dozen pings
    expect(channel.getConnectivityState(false)).toBe(state);
    checks.release();
    expect(String(await long.ended)).toBe("hold");
  });
});
