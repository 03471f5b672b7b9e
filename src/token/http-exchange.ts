// One small HTTP exchange with strict limits. It follows no redirect, trusts no length and takes no encoded body.

import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { err, ok, type Result } from "../core/result.ts";

/** `error`: it could not be had. `refused`: it could, and we do not want it. `detail` holds no credential. */
export interface ReadFault {
  readonly result: "error" | "refused";
  readonly detail: string;
}

export interface Exchange {
  readonly headers: OutgoingHttpHeaders;
  /** Sent by POST; undefined: a GET. */
  readonly body?: string;
  /** Of the answer's body. */
  readonly maxBytes: number;
  /** Of connections that are kept; undefined: one of its own. */
  readonly agent?: http.Agent | undefined;
  /** Judges the addresses of the host; undefined: any is called. */
  readonly lookup?: LookupFunction | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty unless the status is 2xx. */
  readonly body: Buffer;
}

/**
 * Ends when `signal` fires, which must bound the whole of it. Never rejects. A connection that was kept and that the
 * server closed meanwhile costs one more try, so what is asked must be harmless when asked twice.
 */
export async function exchange(url: URL, asked: Exchange, signal: AbortSignal): Promise<Result<HttpAnswer, ReadFault>> {
  const first = await exchangeOnce(url, asked, signal);
  return first === "closed" ? exchange(url, { ...asked, agent: undefined }, signal) : first;
}

function exchangeOnce(
  url: URL,
  asked: Exchange,
  signal: AbortSignal,
): Promise<Result<HttpAnswer, ReadFault> | "closed"> {
  const { agent = false, body, headers, lookup, maxBytes } = asked;
  return new Promise((resolve) => {
    const send = url.protocol === "https:" ? https.request : http.request;
    const request = send(url, {
      agent,
      signal,
      method: body === undefined ? "GET" : "POST",
      headers: {
        "accept-encoding": "identity",
        ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
        ...headers,
      },
      ...(lookup === undefined ? {} : { lookup }),
    });
    let isOver = false;
    const finish = (outcome: Result<HttpAnswer, ReadFault>): void => {
      if (isOver) return;
      isOver = true;
      resolve(!outcome.ok && request.reusedSocket && outcome.error.detail === "ECONNRESET" ? "closed" : outcome);
      // A connection whose answer was not read to its end is good for nothing more.
      if (!outcome.ok || outcome.value.body.length === 0 || agent === false) request.destroy();
    };
    request.on("error", (failure) => finish(err(unreachable(failure, signal))));
    request.on("response", (response) => readResponse(response, maxBytes, signal, finish));
    request.end(body);
  });
}

function readResponse(
  response: http.IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
  finish: (outcome: Result<HttpAnswer, ReadFault>) => void,
): void {
  const { headers, statusCode: status = 0 } = response;
  const refused = refuseHead(response, maxBytes);
  if (refused !== undefined || status < 200 || status > 299) {
    response.resume();
    return finish(refused === undefined ? ok({ status, headers, body: Buffer.alloc(0) }) : err(refused));
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) finish(err(tooLarge(maxBytes)));
    else chunks.push(chunk);
  });
  response.on("error", (failure) => finish(err(unreachable(failure, signal))));
  response.on("end", () => finish(ok({ status, headers, body: Buffer.concat(chunks) })));
}

function refuseHead(response: http.IncomingMessage, maxBytes: number): ReadFault | undefined {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) return { result: "refused", detail: `redirect (${status}) not followed` };
  const encoding = response.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return { result: "refused", detail: "an encoded body was not asked for" };
  }
  return Number(response.headers["content-length"] ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined;
}

function tooLarge(maxBytes: number): ReadFault {
  return { result: "refused", detail: `the document is larger than ${maxBytes} bytes` };
}

function unreachable(failure: Error, signal: AbortSignal): ReadFault {
  if (signal.aborted) return { result: "error", detail: "timed out" };
  const { code } = failure as NodeJS.ErrnoException;
  return { result: "error", detail: code ?? failure.name };
}
