// The way to one relayed sidecar over its WebSocket. What its socket does not take is waited for, and given up in time:
// little more than this is ever held for one who does not read.

import type { WebSocket } from "@fastify/websocket";
import type { EndCause, Outlet } from "../../revocation/relay/subscription.ts";
import { TAKEN_WITHIN_MS } from "../events/slow-reader.ts";

/** Above what a moment's changes take; of a thousand that stand still at once 64 MB. */
const ROOM_BYTES = 65_536;

/** RFC 6455 §7.4.1 and its registry: service restart, policy violation, try again later. */
const CLOSE_CODES: Readonly<Record<EndCause, number>> = { stopping: 1012, refused: 1008, "too slow": 1013 };

/** For the answer to our close. */
const CLOSE_WITHIN_MS = 1_000;

export function relayOutlet(socket: WebSocket): Outlet {
  return {
    send(data) {
      const options = { binary: typeof data !== "string" };
      if (socket.bufferedAmount < ROOM_BYTES) {
        socket.send(data, options);
        return undefined;
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), TAKEN_WITHIN_MS);
        // Called as well when the socket is closed before.
        socket.send(data, options, () => {
          clearTimeout(timer);
          resolve(true);
        });
      });
    },
    end(cause) {
      if (cause === "too slow") return socket.terminate();
      socket.close(CLOSE_CODES[cause], cause);
      const cutOff = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
      socket.once("close", () => clearTimeout(cutOff));
    },
  };
}
