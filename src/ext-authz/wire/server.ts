// Carries Checks and health over our own HTTP/2 (RFC 9113) for unary gRPC: accepts connections, gives them their turns
// and their clock, and lets them go. It decides nothing: the bytes of a Check pass through unread.

import { createHealth } from "../health.ts";
import { createListeners } from "../listeners.ts";
import { createTransport } from "../draining.ts";
import type { Transport, TransportOptions } from "../transport.ts";
import { CHECK_SERVICE } from "./call-head.ts";
import { Connection, type ConnectionSurroundings } from "./connection.ts";
import { ERROR_NAMES, type ErrorCode } from "./frame.ts";
import { PartialMessages } from "./incoming-message.ts";
import { WIRE_TIMES, type WireTimes } from "./limits.ts";
import { OutputTurn } from "./output.ts";

export interface WireServerOptions extends TransportOptions {
  /** WIRE_TIMES unless a test says otherwise. */
  readonly times?: Partial<WireTimes>;
}

/** A transport of our own. Not serving until told so. */
export function createWireServer(options: WireServerOptions): Transport {
  const { checks, log } = options;
  const times = { ...WIRE_TIMES, ...options.times };
  const health = createHealth(["", CHECK_SERVICE], () => options.beforeHealth?.());
  const connections = new Set<Connection>();
  /** One line a tick at most, whatever strangers send. */
  let failureCount = 0;
  const failed = (code: ErrorCode, error?: unknown): void => {
    failureCount++;
    if (failureCount > 1) return;
    // Name and place only: a message may quote what it choked on.
    const bug = error instanceof Error ? { error: error.name, place: placeOf(error) } : {};
    log.warn("connection_failed", { code: ERROR_NAMES[code], ...bug });
  };
  const turn = new OutputTurn();
  const around: ConnectionSurroundings = { checks, health, times, turn, partial: new PartialMessages(), failed };
  const clock = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of connections) connection.tick(nowMs);
    if (failureCount > 1) log.warn("more_connections_failed", { count: failureCount - 1 });
    failureCount = 0;
  }, times.tickMs);
  clock.unref();

  const listeners = createListeners({
    addresses: options.listen,
    tls: options.tls,
    allowHalfOpen: true,
    accepted(socket) {
      const connection = new Connection(socket, around);
      connections.add(connection);
      socket.once("close", () => connections.delete(connection));
    },
    failed: (error) => log.warn("accept_failed", { error: error.message }),
  });
  return createTransport({
    health,
    listeners,
    sayGoodbye() {
      for (const connection of connections) connection.shutDown(performance.now());
    },
    gone: () => clearInterval(clock),
  });
}

function placeOf({ stack = "" }: Error): readonly string[] {
  return stack
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .slice(0, 5);
}
