// TLS on the gRPC listener, by both transports alike: who is heard, who is not, and what changes without a restart.
import { connect as connectTcp, type Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { credentials, type ChannelCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import type { TlsMaterial, Transport } from "../../src/ext-authz/transport.ts";
import { createCertificate, type Certificate } from "../support/certificate.ts";
import { createCheckBench, outcomeOf } from "../support/check-bench.ts";
import type { CheckRequestMessage } from "../support/ext-authz-proto.ts";
import { connectClients, type GrpcClients } from "../support/grpc-clients.ts";
import { TRANSPORTS } from "../support/transports.ts";

const SERVER = createCertificate();
const CLIENT = createCertificate();
const STRANGER = createCertificate();
const REQUEST: CheckRequestMessage = {
  attributes: { request: { http: { method: "GET", path: "/orders", headers: { authorization: "Bearer a.b.c" } } } },
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function material(certificate: Certificate, clientCa?: string): TlsMaterial {
  return { certificate: certificate.certificatePem, key: certificate.privateKeyPem, clientCa };
}

/** Trusts `server`, and shows `client`. */
function trusting(server: Certificate, client?: Certificate): ChannelCredentials {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(server.certificatePem), pem(client?.privateKeyPem), pem(client?.certificatePem));
}

function clientsOf(target: string, credential: ChannelCredentials): GrpcClients {
  const clients = connectClients(target, credential);
  cleanups.push(() => clients.close());
  return clients;
}

async function allowed(clients: GrpcClients): Promise<boolean> {
  return outcomeOf(await clients.check(REQUEST, { timeoutMs: 2_000 })) === "allow";
}

function port(target: string): number {
  return Number(target.split(":")[1]);
}

/** The protocol agreed on, or that the connection came to nothing. */
async function agreed(target: string, options: ConnectionOptions): Promise<string | false | null> {
  const socket: TLSSocket = connect({ port: port(target), host: "127.0.0.1", ca: SERVER.certificatePem, ...options });
  cleanups.push(() => socket.destroy());
  const ended = new Promise<null>((resolve) => {
    socket.once("close", () => resolve(null));
    socket.once("error", () => resolve(null));
  });
  const spoken = new Promise<string | false | null>((resolve) =>
    socket.once("data", () => resolve(socket.alpnProtocol)),
  );
  return Promise.race([ended, spoken]);
}

describe.each(TRANSPORTS)("%s:", (_name, createTransport) => {
  async function serve(tls: TlsMaterial, listen = ["127.0.0.1:0"]): Promise<{ transport: Transport; target: string }> {
    const checks = createCheckBench().handler;
    const transport = createTransport({ listen, tls, checks, log: { warn: () => undefined } });
    const [target] = await transport.start();
    cleanups.push(() => transport.stop());
    return { transport, target: target as string };
  }

  test("a Check is answered over TLS, and over nothing else", async () => {
    const { target } = await serve(material(SERVER));
    expect(await allowed(clientsOf(target, trusting(SERVER)))).toBe(true);
    await expect(allowed(clientsOf(target, credentials.createInsecure()))).rejects.toThrow(/UNAVAILABLE|DEADLINE/);
    await expect(allowed(clientsOf(target, trusting(STRANGER)))).rejects.toThrow(/UNAVAILABLE|DEADLINE/);
  });

  test("with an authority for clients, only its own are heard", async () => {
    const { target } = await serve(material(SERVER, CLIENT.certificatePem));
    expect(await allowed(clientsOf(target, trusting(SERVER, CLIENT)))).toBe(true);
    await expect(allowed(clientsOf(target, trusting(SERVER, STRANGER)))).rejects.toThrow(/UNAVAILABLE|DEADLINE/);
    await expect(allowed(clientsOf(target, trusting(SERVER)))).rejects.toThrow(/UNAVAILABLE|DEADLINE/);
  });

  test("the protocol is agreed on, and it is h2 (RFC 9113 §3.2)", async () => {
    const { target } = await serve(material(SERVER));
    expect(await agreed(target, { ALPNProtocols: ["http/1.1", "h2"] })).toBe("h2");
    expect(await agreed(target, { ALPNProtocols: ["http/1.1"] })).toBeNull();
    expect(await agreed(target, {})).toBeNull();
    expect(await agreed(target, { ALPNProtocols: ["h2"], maxVersion: "TLSv1.1", minVersion: "TLSv1" })).toBeNull();
  });

  test("a unix socket beside it goes without", async () => {
    const checks = createCheckBench().handler;
    const listen = ["127.0.0.1:0", `unix:/tmp/portcullis-tls-${process.pid}-${_name}.sock`];
    const transport = createTransport({ listen, tls: material(SERVER), checks, log: { warn: () => undefined } });
    const [, socket] = await transport.start();
    cleanups.push(() => transport.stop());
    expect(await allowed(clientsOf(socket as string, credentials.createInsecure()))).toBe(true);
  });

  test("a renewed certificate is shown to whoever connects later; connections that are there stay", async () => {
    const { transport, target } = await serve(material(SERVER));
    const early = clientsOf(target, trusting(SERVER));
    expect(await allowed(early)).toBe(true);
    transport.renewTls(material(STRANGER));
    expect(await allowed(clientsOf(target, trusting(STRANGER)))).toBe(true);
    expect(await allowed(early)).toBe(true);
  });

  test("a drain finishes with idle connections, and with one whose handshake never ends", async () => {
    const { transport, target } = await serve(material(SERVER));
    expect(await allowed(clientsOf(target, trusting(SERVER)))).toBe(true);
    expect(await transport.drain(0, 10_000)).toBe("finished");
    const second = await serve(material(SERVER));
    const mute: Socket = connectTcp(port(second.target), "127.0.0.1");
    cleanups.push(() => mute.destroy());
    mute.on("error", () => undefined);
    await once(mute, "connect");
    expect(await allowed(clientsOf(second.target, trusting(SERVER)))).toBe(true); // so it was accepted by now
    expect(await second.transport.drain(0, 10_000)).toBe("finished");
  });
});
