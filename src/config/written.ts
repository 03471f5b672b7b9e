// The file as it is written, defaults filled in: the shape that the schema promises. Units are still text.

import type { Algorithm } from "../core/algorithm.ts";
import type { ControlScope } from "../core/control-scope.ts";
import type { TargetKind } from "../core/target.ts";
import type { WrittenTls } from "./tls-schema.ts";

export interface WrittenIssuer {
  issuer: string;
  id?: string | undefined;
  jwks: {
    url?: string | undefined;
    file?: string | undefined;
    discovery?: true | undefined;
    envoy?: WrittenEnvoyMetadata | undefined;
    allowHttp: boolean;
  };
  senderConstraint: "ifBound" | "dpop" | "mtls" | "either" | "ignore";
  audiences?: string[] | undefined;
  anyAudience: boolean;
  algorithms: Algorithm[];
  profile: "at+jwt" | "jwt";
  clockSkew: string;
  maxLifetime: string;
  requireJti: boolean;
  introspection?:
    | {
        url: string;
        allowHttp: boolean;
        clientId: string;
        clientSecretFile: string;
        prefix: string;
        timeout: string;
      }
    | undefined;
  statusLists?: { uris: string[]; maxStaleness: string; privateAddresses: boolean } | undefined;
  claims: { session: string; tenant: string; client: string; scope: string };
}

export interface WrittenEnvoyMetadata {
  namespace: string;
  payload: string;
  header?: string | undefined;
}

export interface WrittenDpop {
  algorithms: Algorithm[];
  maxAge: string;
  clockSkew: string;
  scheme: "asSeen" | "https";
  nonces: "off" | "required";
  nonceSecretFile?: string | undefined;
  maxRemembered: number;
}

export interface WrittenStore {
  type: "redis" | "embedded" | "memory" | "relay";
  url: string;
  urlFile?: string | undefined;
  keyPrefix: string;
  timeout: string;
  path: string;
  requireNoEviction: boolean;
}

export interface WrittenRoute {
  name?: string | undefined;
  host?: string | undefined;
  path: string;
  methods?: string[] | undefined;
  anonymous: boolean;
  tier?: string | undefined;
  scopes: string[];
}

export interface WrittenTelemetry {
  otlp: string;
  sampleRatio: number;
  decisions: { deny: "all" | number; allow: "all" | number; subject: "hashed" | "plain" };
}

export interface WrittenControl {
  url?: string | undefined;
  issuer?: string | undefined;
  audience: string;
  tokens: { name: string; sha256: string; scopes: ControlScope[] }[];
  tls?: WrittenTls | undefined;
  audit: { keep: string; maxEntries: number; secretFile?: string | undefined };
  secondPerson: TargetKind[];
  reportToken?: string | undefined;
  reportTokenFile?: string | undefined;
}

export interface WrittenDashboard {
  oidc?:
    | {
        issuer: string;
        clientId: string;
        clientSecret?: string | undefined;
        clientSecretFile?: string | undefined;
        redirectUrl: string;
        scope: string;
        parameters: Record<string, string>;
      }
    | undefined;
  tokenSignIn: boolean;
}

export interface WrittenIngress {
  oauthRevoke: boolean;
  backchannelLogout: { issuer: string; audiences: string[] }[];
  ssf: WrittenTransmitter[];
  globalTokenRevocation: boolean;
  subjectFormats: string[];
}

export interface WrittenTransmitter {
  id: string;
  issuer: string;
  jwks: { url?: string | undefined; file?: string | undefined; allowHttp: boolean };
  audiences: string[];
  algorithms: Algorithm[];
  clockSkew: string;
  revokes?: string | undefined;
  poll?: (WrittenEndpoint & { longPoll: boolean; every: string }) | undefined;
  verification?: (WrittenEndpoint & { streamId: string; every: string }) | undefined;
}

/** One that we call, and that asks for a bearer token. */
export interface WrittenEndpoint {
  url: string;
  allowHttp: boolean;
  bearerFile: string;
}

export interface WrittenKafka {
  brokers: string[];
  clientId: string;
  tls?: { caFile?: string | undefined; certificateFile?: string | undefined; keyFile?: string | undefined } | undefined;
  sasl?:
    | {
        mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
        username: string;
        password?: string | undefined;
        passwordFile?: string | undefined;
      }
    | undefined;
  publish?: { topic: string; source: string; audience?: string | undefined } | undefined;
  consume?:
    | {
        group: string;
        audience: string;
        deadLetterTopic?: string | undefined;
        senders: { id: string; topic: string; source: string; issuer?: string | undefined; kinds: TargetKind[] }[];
      }
    | undefined;
}

export interface WrittenFile {
  workers: number;
  mode: "enforce" | "observe";
  listen: {
    grpc: string | string[];
    transport: "wire" | "grpc-js";
    tls?: WrittenTls | undefined;
    ops: string;
    control: string;
  };
  issuers: WrittenIssuer[];
  dpop: WrittenDpop;
  store: WrittenStore;
  tiers: Record<string, { maxStaleness: string; failOpenFor: string }>;
  routes: WrittenRoute[];
  scopes: { scope: string; tier: string }[];
  ambiguousPaths: "refuse" | "strictest";
  identity: {
    headers: Record<string, string>;
    forwardToken: boolean;
    signed?: { header: string; issuer: string; audience: string; keyFiles: string[]; lifetime: string } | undefined;
  };
  limits: { maxTokenBytes: string; maxInFlight: number; verifiedTokens: number };
  drain: { delay: string; timeout: string };
  deadline: string;
  breaker: { window: string; minCalls: number; failureRatio: number; openFor: string };
  telemetry: WrittenTelemetry;
  control: WrittenControl;
  dashboard?: WrittenDashboard | undefined;
  ingress: WrittenIngress;
  kafka?: WrittenKafka | undefined;
  feed: { type: "redis" | "relay" | "kafka" | "none"; scanEvery: string; directWriters: boolean };
  record: string;
  recordFile?: string | undefined;
}
