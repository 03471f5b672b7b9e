// What is published to Kafka and taken from it, in the effective configuration (config.ts). It decides nothing.

import type { TargetKind } from "../core/target.ts";

/** Whose events in Kafka revoke, and what. */
interface KafkaSenderConfig {
  readonly id: string;
  readonly topic: string;
  /** Equals the events' `source` byte for byte. */
  readonly source: string;
  /** Id of the issuer whose tokens it may revoke; undefined: only `everything` is among its kinds. */
  readonly issuer: string | undefined;
  readonly kinds: readonly TargetKind[];
}

export interface KafkaConfig {
  /** Each `host:port`; at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Absolute paths of PEM files; undefined: plain TCP. */
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
        /** A secret. */
        readonly password: string;
      }
    | undefined;
  readonly publish:
    | { readonly topic: string; readonly source: string; readonly audience: string | undefined }
    | undefined;
  readonly consume:
    | {
        readonly group: string;
        readonly audience: string;
        readonly deadLetterTopic: string | undefined;
        /** At least one. */
        readonly senders: readonly KafkaSenderConfig[];
      }
    | undefined;
}
