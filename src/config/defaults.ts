// Every default of the configuration, once, in the file's own notation and with its reason. It checks nothing.

import type { Algorithm } from "../core/algorithm.ts";

/** Loopback: Envoy runs beside the sidecar, and nothing here should be reachable from outside unasked. */
export const LISTEN = { grpc: "127.0.0.1:9001", ops: "127.0.0.1:9002", control: "127.0.0.1:9003" } as const;

/** One thread is a core, and 20,000 checks a second and more: most sidecars never need another. */
export const WORKERS = 1;

/** A seventh of the stock library's CPU for a warm Check, and none of its objects that outlive a call (ADR 14). */
export const TRANSPORT = "wire";

export const ISSUER = {
  /** Of the only issuer; several must be told apart by their users. */
  id: "main",
  /** One per key type that issuers really use; the weaker hashes' variants are opt-in. */
  algorithms: ["RS256", "PS256", "ES256", "EdDSA"] satisfies Algorithm[] as Algorithm[],
  /** RFC 9068: typed access tokens cannot be confused with any other JWT of the issuer. */
  profile: "at+jwt",
  /** Machines kept by NTP are within a second; 30 s forgives virtual machines that just woke up. */
  clockSkew: "30s",
  /** A revocation marker must outlive every token it kills, so lifetimes need a bound; 1 h is what issuers use. */
  maxLifetime: "1h",
  /** Without jti a single token cannot be revoked. */
  requireJti: true,
  /** Two thirds of the deadline: what is left suffices to ask the store, or to say no. */
  introspectionTimeout: "100ms",
  /** A token that says whom it is bound to is held to it; nobody who uses none is asked for more. */
  senderConstraint: "ifBound",
} as const;

/** Proofs of possession (RFC 9449). */
export const DPOP = {
  /** As of issuers: what clients really make, and all of it verified in a tenth of a millisecond. */
  algorithms: ["ES256", "EdDSA", "PS256", "RS256"] satisfies Algorithm[] as Algorithm[],
  /** A proof is made for one call: a minute forgives slow networks, and bounds what another sidecar may be shown again. */
  maxAge: "1m",
  /** Clients are phones and laptops, kept by NTP as a rule. */
  clockSkew: "10s",
  /** What Envoy says: nobody else is to be believed unasked. */
  scheme: "asSeen",
  /** Each costs a client's first call a second round trip. */
  nonces: "off",
  /** At 2,500 calls a second with a proof, half of them one client's at most; 80 bytes each are some 30 MiB. */
  maxRemembered: 400_000,
} as const;

/** As Envoy's jwt_authn names itself, and as its own examples name the key. */
export const ENVOY_METADATA = { namespace: "envoy.filters.http.jwt_authn", payload: "jwt_payload" } as const;

/** Whoever installs a guard wants to be guarded. */
export const MODE = "enforce";

/** OpenID Connect Back-Channel Logout §2.1 (sid), RFC 9068 §2.2 (client_id, scope); tenant has no standard name. */
export const CLAIMS = { session: "sid", tenant: "tenant", client: "client_id", scope: "scope" } as const;

export const STORE = {
  type: "redis",
  url: "redis://127.0.0.1:6379/0",
  keyPrefix: "",
  /** A local Redis answers in under 1 ms; 50 ms rides out its pauses and leaves a third of the deadline unused. */
  timeout: "50ms",
  path: "portcullis.db",
  /** Every other policy may silently delete markers, since they carry an expiry. */
  requireNoEviction: true,
} as const;

/** Strictest first. `low` is the only one that trades safety for availability, and says for how long. */
export const TIERS = {
  critical: { maxStaleness: "0s" },
  standard: { maxStaleness: "2s" },
  low: { maxStaleness: "30s", failOpenFor: "5m" },
} as const;

/** Nothing is let through in the store's absence unless a tier says so. */
export const FAIL_OPEN_FOR = "0s";

/** A path that could mean two things is refused: no rule can be right about it. */
export const AMBIGUOUS_PATHS = "refuse";

export const IDENTITY = {
  headers: {
    "x-auth-subject": "sub",
    "x-auth-issuer": "iss",
    "x-auth-client": "client",
    "x-auth-tenant": "tenant",
    "x-auth-session": "session",
    "x-auth-scope": "scope",
    "x-auth-token-id": "jti",
  },
  /** Upstreams that look at the token themselves go on working. */
  forwardToken: true,
  signed: {
    header: "x-auth-identity",
    /** Long enough that a token in use is signed anew twice a minute or so, short enough for nobody to keep. */
    lifetime: "60s",
  },
} as const;

export const LIMITS = {
  /** Twice the 8 KiB that most servers take as a whole header section. */
  maxTokenBytes: "16KiB",
  /** At 20,000 checks/s a fifth of a second's load: more in flight means that answers would come too late anyway. */
  maxInFlight: 4096,
  /** About 400 MiB when full of ordinary tokens, at 4 KiB an entry; larger tokens take fewer entries, not more memory. */
  verifiedTokens: 100_000,
} as const;

/** Envoy's default health check interval is longer, but 1 s suffices where the check follows the readiness probe. */
export const DRAIN = { delay: "1s", timeout: "10s" } as const;

/** Envoy's ext_authz gives up after 200 ms unless told otherwise; ours must answer before. */
export const DEADLINE = "150ms";

export const BREAKER = {
  window: "10s",
  /** Fewer calls than this say nothing about the store. */
  minCalls: 20,
  failureRatio: 0.5,
  /** One probe a second costs nothing, and recovery is noticed within a second of it. */
  openFor: "1s",
} as const;

export const TELEMETRY = {
  otlp: "",
  sampleRatio: 0.01,
  /** Every refusal may be asked about; of the allowed calls a sample suffices. */
  decisions: { deny: "all", allow: 0.01, subject: "hashed" },
} as const;

export const CONTROL = {
  audience: "portcullis",
  /** 90 days, as most rules for audits ask of what is at hand; at 400 bytes an entry some 40 MB of the store. */
  audit: { keep: "2160h", maxEntries: 100_000 },
} as const;

export const INGRESS = {
  /** Nobody revokes by it but who holds the very token, signed by a configured issuer for a configured audience. */
  oauthRevoke: true,
  /** Only who may revoke by the control API may by it. */
  globalTokenRevocation: true,
  poll: {
    /** An event is then heard of at once, and a quiet stream costs a request a minute. */
    longPoll: true,
    /** Of transmitters that do not wait: what a revocation by them may take, against six requests a minute. */
    every: "10s",
  },
  /** A stream that broke is noticed within two hours; transmitters may refuse to be asked much oftener. */
  verification: { every: "1h" },
} as const;

/** 192 bits in base64, of what could be tried at leisure by whoever has something that was made with it. */
export const MIN_SECRET_LENGTH = 32;

export const DASHBOARD = {
  /** `openid` makes it a sign-in; the others are what the dashboard has buttons for. */
  scope: "openid portcullis:read portcullis:revoke portcullis:admin",
  /** A person should sign in as himself, or the audit trail knows a token's name only. */
  tokenSignIn: false,
} as const;

export const FEED = {
  /** A sidecar that knows asks nobody, and refuses within milliseconds of a revocation. */
  type: "redis",
  /** While other writers are not heard: a tier of 30 s is then still answered from the replica. */
  scanEvery: "10s",
  /** Any program may revoke with one SET, unless somebody says that none does. */
  directWriters: true,
} as const;

export const KAFKA = {
  clientId: "portcullis",
} as const;
