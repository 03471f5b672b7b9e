// The effective configuration: every default filled in, every unit compiled, every path absolute. It decides nothing.

import type { Algorithm } from "../core/algorithm.ts";
import type { ControlScope } from "../core/control-scope.ts";
import type { TargetKind } from "../core/target.ts";
import type { Tier } from "../core/tier.ts";
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

export type JwksConfig =
  /** `allowHttp`: the written URL may be plain http beyond loopback. */
  | { readonly kind: "url"; readonly url: string; readonly allowHttp: boolean }
  | { readonly kind: "file"; readonly path: string }
  /** From the issuer's metadata document; `allowHttp` is of the issuer's own URL, never of the one found there. */
  | { readonly kind: "discovery"; readonly allowHttp: boolean };

/** How an issuer is asked about opaque tokens. */
export interface IntrospectionConfig {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly clientId: string;
  /** Absolute. */
  readonly clientSecretFile: string;
  /** What the file held; a secret. */
  readonly clientSecret: string;
  /** What its tokens begin with; empty: anything. */
  readonly prefix: string;
  /** Of one question. */
  readonly timeoutMs: number;
}

/** Envoy has the keys, verifies, and tells of the token in its metadata. */
export interface EnvoyJwks {
  readonly kind: "envoy";
  readonly namespace: string;
  /** Key of the claims. */
  readonly payload: string;
  /** Key of the token's header; undefined: Envoy does not tell of it. */
  readonly header: string | undefined;
}

export interface IssuerConfig {
  /** Short name in keys, metrics and the API. */
  readonly id: string;
  /** Equals the token's `iss` byte for byte. */
  readonly issuer: string;
  readonly jwks: JwksConfig | EnvoyJwks;
  readonly senderConstraint: "ifBound" | "dpop" | "mtls" | "either" | "ignore";
  /** One of them must be in `aud`; undefined: waived by `anyAudience: true`. */
  readonly audiences: readonly string[] | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly profile: "at+jwt" | "jwt";
  readonly clockSkewMs: number;
  readonly maxLifetimeMs: number;
  readonly requireJti: boolean;
  /** Undefined: it is not asked, and opaque tokens are malformed. */
  readonly introspection: IntrospectionConfig | undefined;
  /** Undefined: a token's status is not looked at. */
  readonly statusLists:
    | {
        /** Of those that end with a slash all below them. */
        readonly uris: readonly string[];
        readonly maxStalenessMs: number;
        readonly privateAddresses: boolean;
      }
    | undefined;
  /** Names of the claims that hold these. */
  readonly claims: {
    readonly session: string;
    readonly tenant: string;
    readonly client: string;
    readonly scope: string;
  };
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

interface IdentityConfig {
  readonly headers: readonly { readonly name: string; readonly claim: string }[];
  readonly forwardToken: boolean;
}

interface ControlTokenConfig {
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  readonly scopes: readonly ControlScope[];
}

export interface ControlConfig {
  readonly url: string;
  /** Id of the issuer whose access tokens may call the API; undefined: bootstrap tokens only. */
  readonly issuer: string | undefined;
  readonly audience: string;
  readonly tokens: readonly ControlTokenConfig[];
  /** Kinds that another admin must approve. */
  readonly secondPerson: readonly TargetKind[];
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly audit: {
    readonly keepMs: number;
    /** Of all control planes on the store together. */
    readonly maxEntries: number;
    /** What the trail is signed with; undefined: made once and kept in the store. */
    readonly secret: string | undefined;
  };
  /** With which a sidecar reports to `url`, and follows and asks the relay there; a secret. undefined: it does not report. */
  readonly reportToken: string | undefined;
}

/** An OpenID provider at which people sign in to the dashboard. */
export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** A secret; undefined: a public client. */
  readonly clientSecret: string | undefined;
  readonly redirectUrl: string;
  readonly scope: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface DashboardConfig {
  readonly oidc: OidcConfig | undefined;
  readonly tokenSignIn: boolean;
}

/** One that we call, and that asks for a bearer token. */
export interface EndpointConfig {
  readonly url: string;
  readonly allowHttp: boolean;
  /** Absolute. */
  readonly bearerFile: string;
  /** What the file held; a secret. */
  readonly bearer: string;
}

/** Whose security events are taken, and of whose tokens he speaks. */
export interface TransmitterConfig {
  readonly id: string;
  /** Equals the event tokens' `iss` byte for byte. */
  readonly issuer: string;
  readonly jwks: Exclude<JwksConfig, { kind: "discovery" }>;
  readonly audiences: readonly string[];
  readonly algorithms: readonly Algorithm[];
  readonly clockSkewMs: number;
  /** Id of an issuer. */
  readonly revokes: string;
  /** Undefined: he pushes. */
  readonly poll: (EndpointConfig & { readonly longPoll: boolean; readonly everyMs: number }) | undefined;
  readonly verification: (EndpointConfig & { readonly streamId: string; readonly everyMs: number }) | undefined;
}

export interface IngressConfig {
  readonly oauthRevoke: boolean;
  /** `issuer` is an id; empty: closed. */
  readonly backchannelLogout: readonly { readonly issuer: string; readonly audiences: readonly string[] }[];
  /** Empty: closed. */
  readonly ssf: readonly TransmitterConfig[];
  readonly globalTokenRevocation: boolean;
  /** Of subject identifiers (RFC 9493) whose value is a `sub`, beside iss_sub and opaque. */
  readonly subjectFormats: readonly string[];
}

/** Whose events in Kafka revoke, and what. */
export interface KafkaSenderConfig {
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
