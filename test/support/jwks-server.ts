// A real HTTP server that serves an issuer's keys, or misbehaves as told; and a key source on it that reports.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/core/clock.ts";
import type { Algorithm } from "../../src/core/algorithm.ts";
import type { KeySource } from "../../src/token/key-source.ts";
import { createKeySource, type JwksLocation } from "../../src/token/polled-keys.ts";
import type { KeySet } from "../../src/token/key-set.ts";
import { NOW_S, type Json } from "./tokens.ts";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface JwksServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** Paths asked for so far. */
  readonly requests: readonly string[];
  /** TCP connections seen so far. */
  connectionCount(): number;
  /** What it does from now on. */
  answer: Answer;
  stop(): Promise<void>;
}

export async function startJwksServer(answer: Answer = serve([])): Promise<JwksServer> {
  const requests: string[] = [];
  let connections = 0;
  const http = createServer((request, response) => {
    requests.push(request.url ?? "");
    server.answer(request, response);
  });
  http.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const server: JwksServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    connectionCount: () => connections,
    answer,
    stop: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
  return server;
}

/** Answers every request with these keys. */
export function serve(keys: readonly unknown[], headers: Readonly<Record<string, string>> = {}): Answer {
  return serveText(JSON.stringify({ keys }), headers);
}

export function serveText(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers }).end(body);
  };
}

/** Answers by path; any other path is 404. */
export function serveByPath(answers: Readonly<Record<string, unknown>>): Answer {
  return (request, response) => {
    const body = answers[request.url ?? ""];
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body));
  };
}

export interface ShiftableClock extends Clock {
  /** Moves both clocks on. Until then wall time stands at NOW_S, where forged tokens are fresh. */
  advance(ms: number): void;
}

function createShiftableClock(): ShiftableClock {
  let shiftMs = 0;
  return {
    now: () => ({ monotonicMs: performance.now() + shiftMs, wallMs: NOW_S * 1000 + shiftMs }),
    advance: (ms) => {
      shiftMs += ms;
    },
  };
}

export interface TestKeySource {
  readonly source: KeySource;
  readonly clock: ShiftableClock;
  /** Results of readings, in their order. */
  readonly fetched: string[];
  readonly dropped: string[];
  /** Everything logged, as text. */
  readonly logged: string[];
  kids(): readonly string[];
  /** Asks for a kid that is not known. */
  refetch(kid: string, deadlineInMs?: number): Promise<KeySet>;
}

export function keySourceOn(
  location: string | JwksLocation,
  algorithms: readonly Algorithm[] = ["ES256", "RS256"],
): TestKeySource {
  const clock = createShiftableClock();
  const fetched: string[] = [];
  const dropped: string[] = [];
  const logged: string[] = [];
  const line = (event: string, fields?: object): void => void logged.push(JSON.stringify({ event, ...fields }));
  const source = createKeySource({
    issuerId: "main",
    location: typeof location === "string" ? { kind: "url", url: location, allowHttp: false } : location,
    algorithms,
    clock,
    observer: {
      jwksFetched: (_issuerId, result) => void fetched.push(result),
      jwksKeyDropped: (_issuerId, why) => void dropped.push(why),
      jwksReadAt: () => undefined,
    },
    log: { info: line, warn: line, error: line },
  });
  return {
    source,
    clock,
    fetched,
    dropped,
    logged,
    kids: () => source.status().kids,
    refetch: (kid, deadlineInMs = 5_000) =>
      new Promise((resolve) => {
        const now = clock.now();
        source.refetchFor(kid, now, now.monotonicMs + deadlineInMs, undefined, resolve);
      }),
  };
}

/** Public keys as a JWKS lists them. */
export function jwksOf(...keys: readonly { readonly jwk: Json }[]): readonly Json[] {
  return keys.map((key) => key.jwk);
}
