// One HTTP exchange of a command: bounded in time and size, no redirects (a token must not follow one), no proxy, no
// connection kept.

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { err, ok, type Result } from "../core/result.ts";

export interface HttpCall {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In place of MAX_ANSWER_BYTES. */
  readonly maxAnswerBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Why there is no answer: a system error code (`ECONNREFUSED`, `CERT_HAS_EXPIRED` …) or one of ours. */
export interface NoAnswer {
  readonly code: string;
}

/** Longer than the control plane works on a request (10 s). */
const TIMEOUT_MS = 15_000;
/** A full page of the longest revocations. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** What NoAnswer says of an answer that is larger than the call takes. */
export const ANSWER_TOO_LARGE = "answer_too_large";

export function exchange(call: HttpCall): Promise<Result<HttpAnswer, NoAnswer>> {
  const { maxAnswerBytes: maxBytes = MAX_ANSWER_BYTES } = call;
  const send = call.url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const fail = (error: NodeJS.ErrnoException): void =>
      resolve(err({ code: signal.aborted ? "timeout" : (error.code ?? error.name) }));
    const request = send(call.url, { method: call.method, headers: call.headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let byteCount = 0;
      response.on("data", (chunk: Buffer) => {
        byteCount += chunk.length;
        if (byteCount > maxBytes) response.destroy(Object.assign(new Error(), { code: ANSWER_TOO_LARGE }));
        else chunks.push(chunk);
      });
      response.on("end", () =>
        resolve(ok({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") })),
      );
      response.on("error", fail);
    });
    request.on("error", fail);
    request.end(call.body);
  });
}
