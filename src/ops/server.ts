// The operations HTTP server: /livez /readyz /metrics /status, and the keys of signed identity, over node:http. It reads
// nothing but method and path, decides nothing, and no slow client holds it up.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "../core/log.ts";
import type { ReadinessReport } from "./readiness.ts";
import { statusJson, type StatusFacts } from "./status.ts";

export interface OpsOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly readiness: () => ReadinessReport;
  /** The metrics in the form that the request's Accept header asks for. */
  readonly metrics: (accept: string | undefined) => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly status: () => StatusFacts;
  /** The key set by which upstreams verify signed identity, as JSON; undefined: none is signed. */
  readonly identityJwks: () => string | undefined;
  readonly log: Log;
}

export interface OpsServer {
  /** Begins to listen; rejects with the system's error if it can't. Resolves with the URL without a final slash. */
  start(): Promise<string>;
  /** Stays answerable until this is called: a drain is told by readiness, not by silence. */
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Left out: no-store. */
  readonly cacheControl?: string;
}

/** As long as a new key should be published before it signs: whoever verifies may keep the set that long. */
const JWKS_CACHE_CONTROL = "public, max-age=300";

/** A probe or scraper sends its few headers at once. */
const HEADERS_TIMEOUT_MS = 5_000;
/** A client that takes its answer slower than this is hung up on; also closes idle kept-alive connections. */
const SOCKET_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 8 * 1024;
const JSON_TYPE = "application/json";

export function createOpsServer(options: OpsOptions): OpsServer {
  const routes = routesOf(options);
  const server: Server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => void respond(routes, options.log, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(SOCKET_TIMEOUT_MS);
  return {
    start() {
      return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.listen.port, options.listen.host, () => {
          server.off("error", reject);
          server.on("error", (error) => options.log.error("ops_server_failed", { error: String(error) }));
          resolve(urlOf(server.address() as AddressInfo));
        });
      });
    },
    stop() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

type Route = (request: IncomingMessage) => Answer | Promise<Answer>;

function routesOf(options: OpsOptions): ReadonlyMap<string, Route> {
  return new Map<string, Route>([
    ["/livez", () => ({ status: 200, contentType: "text/plain; charset=utf-8", body: "ok\n" })],
    [
      "/readyz",
      () => {
        const report = options.readiness();
        return { status: report.ready ? 200 : 503, contentType: JSON_TYPE, body: json(report) };
      },
    ],
    ["/metrics", async (request) => ({ status: 200, ...(await options.metrics(request.headers.accept)) })],
    ["/.well-known/jwks.json", () => jwksAnswer(options.identityJwks())],
    ["/status", () => ({ status: 200, contentType: JSON_TYPE, body: json(statusJson(options.status())) })],
  ]);
}

/** RFC 7517 §8.5.1. */
function jwksAnswer(jwks: string | undefined): Answer {
  if (jwks === undefined) return problem(404, "No identity is signed here");
  return { status: 200, contentType: "application/jwk-set+json", body: jwks, cacheControl: JWKS_CACHE_CONTROL };
}

async function respond(
  routes: ReadonlyMap<string, Route>,
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume(); // a body is of no interest, and unread it would block the connection
  const route = routes.get((request.url ?? "").split("?", 1)[0] ?? "");
  if (route === undefined) return send(request, response, problem(404, "There is no such path"));
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(request, response, problem(405, "The method is not allowed here"));
  }
  let answer: Answer;
  try {
    answer = await route(request);
  } catch (error) {
    log.error("ops_request_failed", { error: String(error) });
    answer = problem(500, "Something is broken here");
  }
  return send(request, response, answer);
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    "content-type": answer.contentType,
    "content-length": Buffer.byteLength(answer.body),
    "cache-control": answer.cacheControl ?? "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : answer.body);
}

function problem(status: number, title: string): Answer {
  return { status, contentType: "application/problem+json", body: json({ type: "about:blank", title, status }) };
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
