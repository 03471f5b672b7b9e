// The same events as messages of a WebSocket (RFC 6455), one each. Nothing is taken from the other side but answers to
// our pings.

import type { WebSocket } from "@fastify/websocket";
import { TAKEN_WITHIN_MS } from "./slow-reader.ts";
import type { EndCause, Outlet } from "./stream.ts";

/** RFC 6455 §7.4.1 and its registry: service restart, policy violation, try again later. */
const CLOSE_CODES: Readonly<Record<EndCause, number>> = { stopping: 1012, refused: 1008, "too slow": 1013 };

/** For the answer to our close. */
const CLOSE_WITHIN_MS = 1_000;

export function webSocketMessages(socket: WebSocket): Outlet {
  let isAnswered = true;
  socket.on("pong", () => {
    isAnswered = true;
  });
  return {
    send(events) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), TAKEN_WITHIN_MS);
        // Called as well when the socket is closed before.
        const taken = (): void => {
          clearTimeout(timer);
          resolve(true);
        };
        events.forEach(({ json }, i) =>
          socket.send(json, { binary: false }, i === events.length - 1 ? taken : undefined),
        );
      });
    },
    beat() {
      if (!isAnswered) return socket.terminate();
      isAnswered = false;
      socket.ping();
    },
    end(cause) {
      if (cause === "too slow") return socket.terminate();
      socket.close(CLOSE_CODES[cause], cause);
      const cutOff = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
      socket.once("close", () => clearTimeout(cutOff));
    },
    onGone(heard) {
      if (socket.readyState === socket.CLOSED) heard();
      else socket.once("close", heard);
    },
  };
}
