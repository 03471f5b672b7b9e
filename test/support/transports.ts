// Both transports behind one signature, so that one suite holds them to the same answers.
import { createGrpcServer } from "../../src/ext-authz/server.ts";
import type { Transport, TransportOptions } from "../../src/ext-authz/transport.ts";
import { createWireServer } from "../../src/ext-authz/wire/server.ts";

export interface TransportUnderTest extends TransportOptions {
  /** A connection's age, where it matters. */
  readonly maxAgeMs?: number;
}

export const TRANSPORTS: readonly (readonly [name: string, create: (options: TransportUnderTest) => Transport])[] = [
  [
    "wire",
    ({ maxAgeMs, ...options }) =>
      createWireServer(
        maxAgeMs === undefined ? options : { ...options, times: { maxAgeMs, tickMs: 20, goAwayMs: 50 } },
      ),
  ],
  [
    "grpc-js",
    ({ maxAgeMs, ...options }) =>
      createGrpcServer(maxAgeMs === undefined ? options : { ...options, maxConnectionAgeMs: maxAgeMs }),
  ],
];
