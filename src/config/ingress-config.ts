// The ways in for others' standards, in the effective configuration (config.ts). It decides nothing.

import type { Algorithm } from "../core/algorithm.ts";
import type { JwksConfig } from "./issuer-config.ts";

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
