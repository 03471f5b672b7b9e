// A transmitter of Shared Signals on a free port: it speaks RFC 8936 to whoever polls with its bearer token, verifies
// its stream when asked to, and remembers what it was told. Written from the standards, with nothing of ours in it.

import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface PollBody {
  readonly maxEvents?: number;
  readonly returnImmediately?: boolean;
  readonly ack?: readonly string[];
  readonly setErrs?: Readonly<Record<string, { readonly err: string }>>;
}

export interface TestTransmitter {
  readonly url: string;
  readonly bearer: string;
  /** When each poll came, on the monotonic clock. */
  readonly polledAtMs: readonly number[];
  readonly acked: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
  readonly lastPoll: PollBody | undefined;
  readonly verificationRequests: readonly { readonly stream_id: string; readonly state?: string }[];
  /** Offers `set` under `jti` until it is acknowledged or refused. */
  offer(jti: string, set: string): void;
  isPending(jti: string): boolean;
  /** Hears of each acknowledgement before it counts. */
  onAck: (jti: string) => void;
  /** Answers a poll in place of the transmitter; undefined: as it does. */
  answer: ((response: ServerResponse) => void) | undefined;
  /** False: it offers again what was acknowledged. */
  heeds: boolean;
  onVerification: (request: { readonly stream_id: string; readonly state?: string }) => void;
  stop(): Promise<void>;
}

/** A long poll is answered after this long, though there be nothing. */
const HELD_FOR_MS = 200;

export async function startTransmitter(): Promise<TestTransmitter> {
  const bearer = randomBytes(24).toString("base64url");
  const pending = new Map<string, string>();
  const polledAtMs: number[] = [];
  const acked: string[] = [];
  const refused = new Map<string, string>();
  const verificationRequests: { stream_id: string; state?: string }[] = [];
  const held = new Set<() => void>();

  function settle({ ack = [], setErrs = {} }: PollBody): void {
    for (const jti of ack) {
      transmitter.onAck(jti);
      acked.push(jti);
    }
    for (const [jti, { err }] of Object.entries(setErrs)) refused.set(jti, err);
    if (!transmitter.heeds) return;
    for (const jti of [...ack, ...Object.keys(setErrs)]) pending.delete(jti);
  }

  function deliver(response: ServerResponse, { maxEvents = 1_000 }: PollBody): void {
    const offered = [...pending].slice(0, maxEvents);
    const body = { sets: Object.fromEntries(offered), moreAvailable: pending.size > offered.length };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  function poll(body: PollBody, response: ServerResponse): void {
    polledAtMs.push(performance.now());
    transmitter.lastPoll = body;
    if (transmitter.answer !== undefined) return transmitter.answer(response);
    settle(body);
    if (pending.size > 0 || body.returnImmediately === true) return deliver(response, body);
    const end = (): void => {
      clearTimeout(timer);
      held.delete(end);
      deliver(response, body);
    };
    const timer = setTimeout(end, HELD_FOR_MS);
    held.add(end);
  }

  const http = createServer((request, response) => {
    void readBody(request).then((text) => {
      const isAuthorized = request.headers.authorization === `Bearer ${bearer}`;
      const isJson = request.headers["content-type"] === "application/json";
      if (request.method !== "POST" || !isAuthorized) return response.writeHead(401).end();
      if (!isJson) return response.writeHead(400).end();
      if (request.url === "/poll") return poll(JSON.parse(text) as PollBody, response);
      if (request.url !== "/verify") return response.writeHead(404).end();
      const asked = JSON.parse(text) as { stream_id: string; state?: string };
      verificationRequests.push(asked);
      response.writeHead(204).end();
      return transmitter.onVerification(asked);
    });
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));

  const transmitter: TestTransmitter & { lastPoll: PollBody | undefined } = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    bearer,
    polledAtMs,
    acked,
    refused,
    lastPoll: undefined,
    verificationRequests,
    offer(jti, set) {
      pending.set(jti, set);
      for (const end of held) end();
    },
    isPending: (jti) => pending.has(jti),
    onAck: () => undefined,
    answer: undefined,
    heeds: true,
    onVerification: () => undefined,
    stop: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
  return transmitter;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
