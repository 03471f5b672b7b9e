// The effective configuration: every default filled in, every unit compiled, every path absolute. It decides nothing.

import type { Algorithm } from "../core/algorithm.ts";
import type { Tier } from "../core/tier.ts";
import type { ControlConfig, DashboardConfig } from "./control-config.ts";
import type { IngressConfig } from "./ingress-config.ts";
import type { IssuerConfig } from "./issuer-config.ts";
import type { KafkaConfig } from "./kafka-config.ts";
import type { TlsFiles } from "./tls-files.ts";

export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Where ops and control listen: HTTP, so TCP only. */
export type TcpAddress = Extract<Address, { kind: "tcp" }>;

export interface ListenConfig {
  /** At least one; port 0 takes any free port. */
  readonly grpc: readonly Address[];
  readonly transport: "wire" | "grpc-js";
  /** Of grpc's TCP addresses; undefined: none. */
  readonly tls: TlsFiles | undefined;
  readonly ops: TcpAddress;
  readonly control: TcpAddress;
}

export interface StoreConfig {
  /** relay: a control plane is asked, at control.url. */
  readonly type: "redis" | "embedded" | "memory" | "relay";
  /** redis: `redis://`, `rediss://`, `unix:/path`, `redis+sentinel://` or `redis+cluster://`. A secret: it may hold a password. */
  readonly url: string;
  readonly keyPrefix: string;
  /** Of one look-up, connection included. */
  readonly timeoutMs: number;
  /** embedded: absolute path of the SQLite file. */
  readonly path: string;
  readonly requireNoEviction: boolean;
}

export interface RouteConfig {
  /** For metadata and the log; undefined: its index is used. */
  readonly name: string | undefined;
  /** Lower case; undefined: any. */
  readonly host: string | undefined;
  /** Pattern over the canonical path. */
  readonly path: string;
  /** undefined: any. */
  readonly methods: readonly string[] | undefined;
  readonly anonymous: boolean;
  /** Name of a tier; undefined: the strictest. */
  readonly tier: string | undefined;
  readonly scopes: readonly string[];
}

interface ScopeConfig {
  /** A scope, or its beginning followed by `*`. */
  readonly scope: string;
  readonly tier: string;
}

export interface IdentityConfig {
  readonly headers: readonly { readonly name: string; readonly claim: string }[];
  readonly forwardToken: boolean;
  /** undefined: nothing is signed. */
  readonly signed: SignedIdentityConfig | undefined;
}

interface SignedIdentityConfig {
  readonly header: string;
  readonly issuer: string;
  readonly audience: string;
  /** Absolute paths of the keys below. */
  readonly keyFiles: readonly string[];
  /** PEM texts of private keys, at least one; secrets. The first signs. */
  readonly keys: readonly string[];
  readonly lifetimeMs: number;
}

export interface TelemetryConfig {
  /** Base URL of an OTLP/HTTP receiver; undefined: no traces are exported. */
  readonly otlp: string | undefined;
  readonly sampleRatio: number;
  /** Share of decisions that are logged; `all` is 1. */
  readonly decisions: { readonly denyRatio: number; readonly allowRatio: number; readonly plainSubject: boolean };
}

export interface DpopConfig {
  readonly algorithms: readonly Algorithm[];
  readonly maxAgeMs: number;
  readonly clockSkewMs: number;
  readonly scheme: "asSeen" | "https";
  readonly nonceRequired: boolean;
  /** Shared by the fleet; a secret. undefined: each process makes its own. */
  readonly nonceSecret: string | undefined;
  readonly maxRemembered: number;
}

export interface Config {
  /** `observe`: refuses nothing. */
  readonly mode: "enforce" | "observe";
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Threads that answer Checks; from 2 on the i-th listens on the i-th address of `listen.grpc`. */
  readonly workerCount: number;
  readonly listen: ListenConfig;
  /** At least one. */
  readonly issuers: readonly IssuerConfig[];
  readonly dpop: DpopConfig;
  readonly store: StoreConfig;
  /** At least one, strictest first. */
  readonly tiers: readonly Tier[];
  readonly routes: readonly RouteConfig[];
  readonly scopes: readonly ScopeConfig[];
  readonly ambiguousPaths: "refuse" | "strictest";
  readonly identity: IdentityConfig;
  readonly limits: {
    readonly maxTokenBytes: number;
    readonly maxInFlightCount: number;
    readonly verifiedTokenCount: number;
  };
  readonly drain: { readonly delayMs: number; readonly timeoutMs: number };
  /** Of a whole Check. */
  readonly deadlineMs: number;
  readonly breaker: {
    readonly windowMs: number;
    readonly minCallCount: number;
    readonly failureRatio: number;
    readonly openForMs: number;
  };
  readonly telemetry: TelemetryConfig;
  readonly control: ControlConfig;
  /** undefined: there is none. */
  readonly dashboard: DashboardConfig | undefined;
  readonly ingress: IngressConfig;
  /** undefined: neither publishes nor consumes. */
  readonly kafka: KafkaConfig | undefined;
  readonly feed: {
    readonly type: "none" | "redis" | "relay";
    readonly scanEveryMs: number;
    readonly directWriters: boolean;
  };
  /** Of the PostgreSQL that is the control plane's system of record; a secret. undefined: there is none. */
  readonly recordUrl: string | undefined;
}
