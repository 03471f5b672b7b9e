// The service behind the guard: it answers every call with what reached it, so that one sees which headers did.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JWTPayload } from "jose";
import { identityReader, type IdentityOptions } from "./identity.ts";

export interface UpstreamOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Calls without a good signed identity are then answered 401; left out: all are answered. */
  readonly identity?: IdentityOptions;
}

/** What a call looked like here; also the JSON body of the answer. */
export interface EchoedCall {
  readonly method: string;
  /** As it stood in the request line, query included. */
  readonly path: string;
  /** Every header line, names in lower case, in the order of arrival. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What the guard has signed of the caller, where it was verified. */
  readonly identity?: JWTPayload;
}

/**
 * Idle connections are Envoy's to end, after an hour: where the upstream does it, a call that is just being sent is lost
 * (503, `upstream_reset_before_response_started`).
 */
export const BEHIND_ENVOY = { keepAliveTimeout: 0 } as const;

export interface Upstream {
  readonly port: number;
  /** Calls that arrived so far. */
  readonly callCount: number;
  close(): Promise<void>;
}

export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  let callCount = 0;
  const identityOf = options.identity && identityReader(options.identity);
  const server = createServer(BEHIND_ENVOY, (request, response) => {
    callCount += 1;
    if (identityOf === undefined) echoCall(request, response);
    else void identityOf(request).then((identity) => echoIdentified(request, response, identity));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get callCount() {
      return callCount;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function echoIdentified(request: IncomingMessage, response: ServerResponse, identity: JWTPayload | undefined): void {
  if (identity !== undefined) return echoCall(request, response, identity);
  request.resume();
  response.writeHead(401).end();
}

/** Answers with what came. */
export function echoCall(request: IncomingMessage, response: ServerResponse, identity?: JWTPayload): void {
  const call: EchoedCall = {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: pairs(request.rawHeaders),
    ...(identity === undefined ? {} : { identity }),
  };
  request.resume();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(call));
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const lines: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    lines.push([(rawHeaders[at] ?? "").toLowerCase(), rawHeaders[at + 1] ?? ""]);
  }
  return lines;
}
