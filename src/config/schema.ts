// The schema of the file: which keys there are, what each may hold, what it is when left out. Strict throughout.
// What concerns several keys at once is in the checks; how a value is meant is in compile.ts.

import { z } from "zod";
import { TARGET_KINDS } from "../core/target.ts";
import { ALGORITHMS, CONTROL_SCOPES } from "./config.ts";
import {
  AMBIGUOUS_PATHS, BREAKER, CLAIMS, CONTROL, DEADLINE, DRAIN, FAIL_OPEN_FOR, FEED, IDENTITY, ISSUER, LIMITS, LISTEN, STORE,
  TELEMETRY, TIERS, TRANSPORT,
} from "./defaults.ts";
import {
  address, allowing, count, duration, flag, hidden, httpUrl, matching, oneOf, ratio, size, tcpAddress, text,
} from "./fields.ts";
import type { WrittenFile } from "./written.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const CLAIM = text(128, "the name of a claim");
/** RFC 6749 §3.3 scope-token. */
const SCOPE = matching(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, "a scope: visible ASCII without quotes, spaces and backslashes");
/** Begins with a letter, so that no name looks like a list index, whose order objects do not keep. */
const TIER = matching(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, "a tier's name: a letter, then letters, digits, . _ -, at most 64");
const NAME = matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a name of letters, digits, . _ -, at most 64");

const listen = z.strictObject({
  grpc: allowing(
    "an address, or a list of addresses: host:port, [ipv6]:port or unix:/path",
    z.union([address(), allowing("a list of at least one address", z.array(address()).min(1).max(16))]),
  ).default(LISTEN.grpc).describe("Where Envoy calls: gRPC ext_authz and gRPC health. One address or a list."),
  transport: oneOf(["wire", "grpc-js"]).default(TRANSPORT)
    .describe("The gRPC server. This version has grpc-js only; wire is accepted and served by it."),
  ops: tcpAddress().default(LISTEN.ops).describe("HTTP: /livez /readyz /metrics /status."),
  control: tcpAddress().default(LISTEN.control).describe("HTTP: the control API. Only for control and dev."),
});

const jwks = z.strictObject({
  url: httpUrl().optional().describe("Where the key set is. https, except on loopback or with allowHttp."),
  file: text(4_096, "a path, relative to this file").optional().describe("A file that holds the key set."),
  discovery: allowing("true, or leave it out", z.literal(true)).optional()
    .describe("Find the key set by the issuer's metadata document (RFC 8414, OpenID Connect Discovery)."),
  allowHttp: flag().default(false).describe("Plain http for the URL written here; never for one found in a document."),
});

const issuer = z.strictObject({
  issuer: text(1_024, "the token's iss, byte for byte").describe("Equals the token's iss byte for byte."),
  id: matching(/^[a-z0-9-]{1,32}$/, "1 to 32 of a-z, 0-9 and -").optional()
    .describe(`Short name in keys, metrics and the API; "${ISSUER.id}" where there is only one issuer.`),
  jwks: allowing("a block with exactly one of url, file and discovery", jwks).describe("Where the issuer's keys are: exactly one of url, file, discovery."),
  audiences: allowing("a list of audiences", z.array(text(1_024, "an audience")).min(1)).optional()
    .describe("One of them must be in the token's aud. Required unless anyAudience is true."),
  anyAudience: flag().default(false).describe("Accept whatever audience the issuer's tokens are for."),
  algorithms: allowing(`a list of ${ALGORITHMS.join(", ")}`, z.array(oneOf(ALGORITHMS)).min(1)).default(ISSUER.algorithms)
    .describe("The allow-list of signature algorithms."),
  profile: oneOf(["at+jwt", "jwt"]).default(ISSUER.profile)
    .describe("at+jwt: typed access tokens (RFC 9068). jwt: typ JWT or absent; ID, logout and event tokens are refused."),
  clockSkew: duration(0, 10 * MINUTE_MS).default(ISSUER.clockSkew).describe("How far the issuer's clock may differ from ours."),
  maxLifetime: duration(SECOND_MS, 8_760 * HOUR_MS).default(ISSUER.maxLifetime)
    .describe("exp - iat above it is refused: a revocation marker must outlive every token it kills."),
  requireJti: flag().default(ISSUER.requireJti)
    .describe("false: tokens without jti are accepted; they can be revoked by session, user and so on only."),
  claims: z.strictObject({
    session: CLAIM.default(CLAIMS.session).describe("The claim that holds the session."),
    tenant: CLAIM.default(CLAIMS.tenant).describe("The claim that holds the tenant."),
    client: CLAIM.default(CLAIMS.client).describe("The claim that holds the client."),
    scope: CLAIM.default(CLAIMS.scope).describe("The claim that holds the scopes."),
  }).prefault({}).describe("Names of the claims that RFC 7519 has no name for."),
});

const store = z.strictObject({
  type: oneOf(["redis", "embedded", "memory"]).default(STORE.type)
    .describe("redis in production; embedded, a SQLite file, for one machine; memory for tests."),
  url: hidden(text(2_048, "redis://, rediss:// or unix:/path")).default(STORE.url).describe("redis: redis://, rediss:// or unix:/path."),
  urlFile: text(4_096, "a path, relative to this file").optional().describe("A file that holds the url, for it may hold a password."),
  keyPrefix: matching(/^[\x21-\x7e]{0,128}$/, "at most 128 visible ASCII characters").default(STORE.keyPrefix).describe("Put before every key."),
  timeout: duration(1, 10 * SECOND_MS).default(STORE.timeout).describe("Of one look-up, connection included."),
  path: text(4_096, "a path, relative to this file").default(STORE.path).describe("embedded: the SQLite file."),
  requireNoEviction: flag().default(STORE.requireNoEviction)
    .describe("redis: not ready while its maxmemory-policy may delete markers."),
});

const tier = z.strictObject({
  maxStaleness: duration(0, HOUR_MS).describe("An answer younger than this is used without asking; 0s asks the store on every call."),
  failOpenFor: duration(0, 24 * HOUR_MS).default(FAIL_OPEN_FOR)
    .describe("How long after the store's last answer a call is still let through, marked; 0s: refused with 503."),
});

const route = z.strictObject({
  name: NAME.optional().describe("For metadata and logs; its index otherwise."),
  host: text(255, "a host name without port").optional().describe("Matches this host only."),
  path: text(2_048, "a path pattern: literal segments, * for one segment, ** last for the rest")
    .describe("Literal segments, * for one non-empty segment, ** (only last) for the rest."),
  methods: allowing(
    "a list of methods in upper case, such as [GET, HEAD]",
    z.array(matching(/^[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$/, "a method in upper case, such as GET")).min(1),
  ).optional().describe("Matches these methods only."),
  anonymous: flag().default(false).describe("No token is asked for or looked at."),
  tier: TIER.optional().describe("The tier calls are judged in; the strictest where left out."),
  scopes: allowing("a list of scopes", z.array(SCOPE)).default([]).describe("The token must carry all of them."),
});

const scope = z.strictObject({
  scope: SCOPE.describe("A scope, or its beginning followed by *."),
  tier: TIER.describe("A token that carries the scope is never judged below this tier."),
});

const identity = z.strictObject({
  headers: allowing("a block of header names and the claims they carry", z.record(z.string(), CLAIM)).default(IDENTITY.headers)
    .describe("Headers set upstream and the claim each carries: iss, sub, jti, client, tenant, session, scope or any other."),
  forwardToken: flag().default(IDENTITY.forwardToken).describe("false: Authorization is removed upstream."),
});

const telemetry = z.strictObject({
  otlp: allowing('the URL of an OTLP/HTTP receiver, or ""', z.union([z.literal(""), httpUrl()])).default(TELEMETRY.otlp)
    .describe("Where traces are exported to; empty: nowhere."),
  sampleRatio: ratio().default(TELEMETRY.sampleRatio).describe("Share of calls traced where the caller has not decided."),
  decisions: z.strictObject({
    deny: allowing("all, or a number from 0 to 1", z.union([z.literal("all"), ratio()])).default(TELEMETRY.decisions.deny)
      .describe("Share of denied calls that are logged."),
    allow: allowing("all, or a number from 0 to 1", z.union([z.literal("all"), ratio()])).default(TELEMETRY.decisions.allow)
      .describe("Share of allowed calls that are logged."),
    subject: oneOf(["hashed", "plain"]).default(TELEMETRY.decisions.subject).describe("How the log names the subject."),
  }).prefault({}).describe("Which decisions are logged."),
});

const control = z.strictObject({
  url: httpUrl().optional().describe("Where the CLI finds the control API; that of listen.control where left out."),
  issuer: matching(/^[a-z0-9-]{1,32}$/, "the id of an issuer").optional()
    .describe("Whose access tokens may call the API, by their scopes; the issuer main, or the only one, where left out."),
  audience: text(1_024, "an audience").default(CONTROL.audience)
    .describe("Their audience; it may be no guarded API's audience."),
  tokens: allowing("a list of tokens", z.array(z.strictObject({
    name: NAME.describe("Stands as the revoker's name."),
    sha256: hidden(matching(/^[0-9a-fA-F]{64}$/, "the 64 hex digits of the token's SHA-256")).describe("Of a token of at least 32 random bytes."),
    scopes: allowing("a list of scopes", z.array(oneOf(CONTROL_SCOPES)).min(1)).describe("What the token may do."),
  }))).default([]).describe("Bootstrap tokens, by their hashes."),
  secondPerson: allowing("a list of kinds", z.array(oneOf(TARGET_KINDS as [string, ...string[]]))).default([])
    .describe("Kinds that need another admin's approval. Not part of this version."),
});

/** The whole file, as it is written. */
export const FILE: z.ZodType<WrittenFile> = z.strictObject({
  listen: listen.prefault({}).describe("Where Portcullis listens."),
  issuers: allowing("a list of at least one issuer", z.array(issuer).min(1)).describe("Whose tokens are accepted."),
  store: store.prefault({}).describe("Where revocations are kept."),
  tiers: allowing("a block of at least one tier, strictest first", z.record(TIER, tier)).prefault(TIERS)
    .describe("How old an answer may be, per tier, strictest first."),
  routes: allowing("a list of rules", z.array(route)).default([]).describe("First match wins; nothing matches: strictest tier, token required."),
  scopes: allowing("a list of scopes with their tier", z.array(scope)).default([]).describe("Tiers that scopes ask for."),
  ambiguousPaths: oneOf(["refuse", "strictest"]).default(AMBIGUOUS_PATHS)
    .describe("What becomes of a path that could mean two things: 400, or the strictest tier with all scopes of the host."),
  identity: identity.prefault({}).describe("What the upstream is told of the caller."),
  limits: z.strictObject({
    maxTokenBytes: size(256, 256 * 1_024).default(LIMITS.maxTokenBytes).describe("Longer tokens are refused unread."),
    maxInFlight: count(1, 1_000_000).default(LIMITS.maxInFlight).describe("Checks at once; beyond: 503 at once."),
    verifiedTokens: count(1, 10_000_000).default(LIMITS.verifiedTokens).describe("Verified tokens remembered."),
  }).prefault({}).describe("Bounds."),
  drain: z.strictObject({
    delay: duration(0, 5 * MINUTE_MS).default(DRAIN.delay).describe("How long calls are still answered after health turned NOT_SERVING."),
    timeout: duration(0, 10 * MINUTE_MS).default(DRAIN.timeout).describe("How long calls in flight may take to finish."),
  }).prefault({}).describe("How SIGTERM is obeyed."),
  deadline: duration(5, MINUTE_MS).default(DEADLINE).describe("Of a whole Check; the caller's grpc-timeout less 20 % where shorter."),
  breaker: z.strictObject({
    window: duration(100, 10 * MINUTE_MS).default(BREAKER.window).describe("Over which failures are counted."),
    minCalls: count(1, 1_000_000).default(BREAKER.minCalls).describe("Fewer calls in the window never open it."),
    failureRatio: allowing("a number above 0, at most 1", z.number().gt(0).max(1)).default(BREAKER.failureRatio)
      .describe("Share of failed calls that opens it."),
    openFor: duration(10, 5 * MINUTE_MS).default(BREAKER.openFor).describe("How long it stays open before a probe."),
  }).prefault({}).describe("When the store is left alone."),
  telemetry: telemetry.prefault({}).describe("Traces and the decision log."),
  control: control.prefault({}).describe("The control API, for control, dev and the CLI."),
  feed: z.strictObject({
    type: oneOf(["redis", "relay", "kafka", "none"]).default(FEED.type)
      .describe("How a sidecar learns of revocations without asking. This version has none: every answer comes from the store."),
    scanEvery: duration(SECOND_MS, HOUR_MS).default(FEED.scanEvery).describe("How often the store is scanned for direct writers' keys."),
    directWriters: flag().default(FEED.directWriters).describe("false: nobody writes keys by hand."),
  }).prefault({}).describe("The revocation feed."),
  record: hidden(allowing('"" in this version', z.string())).default("").describe("System of record of the control plane. Not part of this version."),
  recordFile: text(4_096, "a path, relative to this file").optional().describe("A file that holds record, for it may hold a password."),
}).describe("Portcullis: one file for all commands.");
