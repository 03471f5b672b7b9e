// Server-sent events over one HTTP answer (WHATWG HTML §9.2). It holds no event back: what the socket does not take is
// waited for, and given up in time.

import type { ServerResponse } from "node:http";
import { whenTaken } from "./slow-reader.ts";
import type { Outlet } from "./stream.ts";

/** What an EventSource waits before it comes again. */
const RETRY_MS = 2_000;

/** Of all that come again after an orderly end, so that they do not come at once. */
const RETRY_SPREAD_MS = 3_000;

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  /** NGINX would collect the events otherwise. */
  "x-accel-buffering": "no",
};

/** Answers with an endless stream of events. */
export function serverSentEvents(response: ServerResponse): Outlet {
  const isOver = (): boolean => response.destroyed || response.writableEnded;
  response.on("error", () => {}); // told by `close`
  response.writeHead(200, HEADERS);
  response.write(`retry: ${RETRY_MS}\n\n`);
  return {
    async send(events) {
      if (isOver()) return true;
      // Not corked, or a full socket would not show: the library corks it for this turn by itself.
      for (const { sse } of events) response.write(sse);
      return !response.writableNeedDrain || whenTaken(response);
    },
    beat() {
      // A comment. One that waits in line would say nothing.
      if (!isOver() && !response.writableNeedDrain) response.write(":\n\n");
    },
    end(cause) {
      if (isOver()) return;
      if (cause === "too slow") response.destroy();
      else response.end(`retry: ${Math.round(RETRY_MS + Math.random() * RETRY_SPREAD_MS)}\n: ${cause}\n\n`);
    },
    onGone(heard) {
      if (response.destroyed) heard();
      else response.once("close", heard);
    },
  };
}
