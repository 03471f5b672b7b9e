// Fetches one small JSON document over HTTP with strict limits. It follows no redirect and trusts no length.

import { isUtf8 } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { err, ok, type Result } from "../core/result.ts";

/** Contract §4. A JWKS of 100 keys with certificates has some 300 KiB. */
export const MAX_DOCUMENT_BYTES: number = 1024 * 1024;

/** `error`: it could not be had. `refused`: it could, and we do not want it. `detail` holds no credential. */
export interface ReadFault {
  readonly result: "error" | "refused";
  readonly detail: string;
}

export interface HttpDocument {
  readonly text: string;
  readonly cacheControl: string | undefined;
}

/** GETs `url` on a connection of its own. Ends when `signal` fires, which must bound the whole of it. Never rejects. */
export function getDocument(url: URL, signal: AbortSignal): Promise<Result<HttpDocument, ReadFault>> {
  return new Promise((resolve) => {
    const send = url.protocol === "https:" ? https.request : http.request;
    const request = send(url, {
      agent: false,
      signal,
      headers: { accept: "application/json", "accept-encoding": "identity" },
    });
    const finish = (outcome: Result<HttpDocument, ReadFault>): void => {
      resolve(outcome);
      request.destroy();
    };
    request.on("error", (failure) => finish(err(unreachable(failure, signal))));
    request.on("response", (response) => readResponse(response, signal, finish));
    request.end();
  });
}

function readResponse(
  response: http.IncomingMessage,
  signal: AbortSignal,
  finish: (outcome: Result<HttpDocument, ReadFault>) => void,
): void {
  const refused = refuseHead(response);
  if (refused !== undefined) {
    response.resume();
    finish(err(refused));
    return;
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_DOCUMENT_BYTES) finish(err(tooLarge()));
    else chunks.push(chunk);
  });
  response.on("error", (failure) => finish(err(unreachable(failure, signal))));
  response.on("end", () => {
    const body = Buffer.concat(chunks);
    if (!isUtf8(body)) finish(err({ result: "refused", detail: "the document is not UTF-8" }));
    else finish(ok({ text: body.toString("utf8"), cacheControl: response.headers["cache-control"] }));
  });
}

function refuseHead(response: http.IncomingMessage): ReadFault | undefined {
  const status = response.statusCode ?? 0;
  if (status >= 300 && status < 400) return { result: "refused", detail: `redirect (${status}) not followed` };
  if (status !== 200) return { result: "error", detail: `HTTP status ${status}` };
  const encoding = response.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return { result: "refused", detail: "an encoded body was not asked for" };
  }
  return Number(response.headers["content-length"] ?? 0) > MAX_DOCUMENT_BYTES ? tooLarge() : undefined;
}

function tooLarge(): ReadFault {
  return { result: "refused", detail: `the document is larger than ${MAX_DOCUMENT_BYTES} bytes` };
}

function unreachable(failure: Error, signal: AbortSignal): ReadFault {
  if (signal.aborted) return { result: "error", detail: "timed out" };
  const { code } = failure as NodeJS.ErrnoException;
  return { result: "error", detail: code ?? failure.name };
}
