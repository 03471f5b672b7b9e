// How the Kafka library is told where the brokers are and who we are. It connects to nothing.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { BaseOptions } from "@platformatic/kafka";

/** Of the configuration. Paths are absolute. */
export interface KafkaConnection {
  /** Each `host:port`. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Undefined: plain TCP. */
  readonly tls:
    | {
        readonly caFile: string | undefined;
        readonly certificateFile: string | undefined;
        readonly keyFile: string | undefined;
      }
    | undefined;
  readonly sasl:
    | {
        readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
        readonly username: string;
        readonly password: string;
      }
    | undefined;
}

const CONNECT_TIMEOUT_MS = 3_000;

const MECHANISMS = {
  plain: "PLAIN",
  "scram-sha-256": "SCRAM-SHA-256",
  "scram-sha-512": "SCRAM-SHA-512",
} as const;

/**
 * Options of a client that is made anew after each failure, so retrying is ours. Reads the files of `tls` each time: a
 * renewed certificate is taken up. Throws the system's error where one cannot be read.
 */
export function clientOptions({ brokers, clientId, tls, sasl }: KafkaConnection): BaseOptions {
  const options: BaseOptions = {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    retries: 0,
  };
  if (sasl !== undefined) {
    options.sasl = { mechanism: MECHANISMS[sasl.mechanism], username: sasl.username, password: sasl.password };
  }
  if (tls === undefined) return options;
  const [ca, cert, key] = [tls.caFile, tls.certificateFile, tls.keyFile].map(read);
  options.tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  // A server name is no address (RFC 6066 §3).
  options.tlsServerName = !brokers.some(
    (broker) => isIP(broker.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")) !== 0,
  );
  return options;
}

function read(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, "utf8");
}

/** The innermost cause, for the log: the library wraps each failure several times. It holds no credential. */
export function detailOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return detailOf(error.errors.at(-1));
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return detailOf(error.cause);
  return error.message;
}
