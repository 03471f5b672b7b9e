// One connection to a stream of server-sent events, from its request to its end. It tries nothing twice.

import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { HttpAnswer } from "./http-call.ts";
import { createSseParser, type SentEvent } from "./sse.ts";

export interface FollowOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Where an earlier connection was; "": nowhere. */
  readonly lastEventId: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Without a byte for so long a connection is lost; default 35 s. */
  readonly maxSilenceMs?: number;
  readonly onOpen: () => void;
  readonly onEvent: (event: SentEvent) => void;
}

/** How it ended. `refused`: the answer was no stream. `lost`: there was one, or there might be one later. */
export type FollowEnd =
  | { readonly kind: "refused"; readonly answer: HttpAnswer }
  | {
      readonly kind: "lost";
      /** A system error code, or words. */
      readonly why: string;
      readonly lastEventId: string;
      readonly retryMs: number | undefined;
    };

/** The control plane shows every 10 s that it lives. */
const MAX_SILENCE_MS = 35_000;
const MAX_REFUSAL_CHARS = 65_536;

export function follow(options: FollowOptions): Promise<FollowEnd> {
  const { url, lastEventId, signal } = options;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const headers = {
    ...options.headers,
    accept: "text/event-stream",
    ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }),
  };
  const { maxSilenceMs = MAX_SILENCE_MS } = options;
  return new Promise((resolve) => {
    let answer: IncomingMessage | undefined;
    const request = send(url, { headers, agent: false, signal }, (response) => {
      answer = response;
      response.setEncoding("utf8");
      const isStream = response.statusCode === 200 && /^text\/event-stream\b/.test(typeOf(response));
      void (isStream ? readStream(response, options) : readRefusal(response)).then(resolve);
    });
    request.setTimeout(maxSilenceMs, () => {
      (answer ?? request).destroy(new Error(`silent for ${Math.round(maxSilenceMs / 1_000)} s`));
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      // An answer that has begun ends by itself, and knows how far it came.
      if (answer === undefined) resolve({ kind: "lost", why: whyOf(error), lastEventId, retryMs: undefined });
    });
    request.end();
  });
}

function typeOf(response: IncomingMessage): string {
  return response.headers["content-type"] ?? "";
}

function whyOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

function readStream(response: IncomingMessage, { lastEventId, onOpen, onEvent }: FollowOptions): Promise<FollowEnd> {
  const parser = createSseParser(lastEventId);
  return new Promise((resolve) => {
    const end = (why: string): void =>
      resolve({ kind: "lost", why, lastEventId: parser.lastEventId(), retryMs: parser.retryMs() });
    onOpen();
    response.on("data", (text: string) => {
      const events = parser.push(text);
      if (events === "too large") response.destroy(new Error("an event without end"));
      else for (const event of events) onEvent(event);
    });
    response.on("error", (error) => end(whyOf(error)));
    response.on("end", () => end("ended by the other side"));
    response.on("close", () => end("closed"));
  });
}

function readRefusal(response: IncomingMessage): Promise<FollowEnd> {
  let body = "";
  return new Promise((resolve) => {
    const end = (): void => resolve({ kind: "refused", answer: { status: response.statusCode ?? 0, body } });
    response.on("data", (text: string) => {
      body += text;
      if (body.length > MAX_REFUSAL_CHARS) response.destroy();
    });
    response.on("error", end);
    response.on("close", end);
  });
}
