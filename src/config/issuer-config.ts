// An issuer in the effective configuration (config.ts): whose tokens are taken, and what they must look like. It decides nothing.

import type { Algorithm } from "../core/algorithm.ts";

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
interface EnvoyJwks {
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
