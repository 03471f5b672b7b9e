// The schema of the file: which keys there are, what each may hold, what it is when left out. Strict throughout.
// What concerns several keys at once is in the checks; how a value is meant is in compile.ts.

import { z } from "zod";
import { CONTROL_BLOCK } from "./control-schema.ts";
import { DASHBOARD_BLOCK } from "./dashboard-schema.ts";
import {
  AMBIGUOUS_PATHS,
  BREAKER,
  DEADLINE,
  DRAIN,
  FEED,
  IDENTITY,
  LIMITS,
  LISTEN,
  MODE,
  STORE,
  TELEMETRY,
  TIERS,
  TRANSPORT,
  WORKERS,
} from "./defaults.ts";
import {
  FILE_PATH,
  address,
  allowing,
  count,
  duration,
  flag,
  hidden,
  httpUrl,
  matching,
  oneOf,
  ratio,
  size,
  tcpAddress,
  text,
} from "./fields.ts";
import { INGRESS_BLOCK } from "./ingress-schema.ts";
import { ISSUER_BLOCK } from "./issuer-schema.ts";
import { KAFKA_BLOCK } from "./kafka-schema.ts";
import { CLAIM, TIER } from "./names.ts";
import { ROUTE_BLOCK, SCOPE_BLOCK, TIER_BLOCK } from "./routing-schema.ts";
import { TLS_BLOCK } from "./tls-schema.ts";
import { DPOP_BLOCK } from "./sender-schema.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./units.ts";
import type { WrittenFile } from "./written.ts";

/** Each has an address of its own. */
const MAX_WORKERS = 16;

const listen = z.strictObject({
  grpc: allowing(
    "an address, or a list of addresses: host:port, [ipv6]:port or unix:/path",
    z.union([address(), allowing("a list of at least one address", z.array(address()).min(1).max(MAX_WORKERS))]),
  )
    .default(LISTEN.grpc)
    .describe("Where Envoy calls: gRPC ext_authz and gRPC health. One address or a list."),
  transport: oneOf(["wire", "grpc-js"])
    .default(TRANSPORT)
    .describe("What carries Checks: wire, our own HTTP/2, or grpc-js, the stock library. The same answers."),
  tls: TLS_BLOCK.optional().describe(
    "TLS on the TCP addresses of grpc; unix sockets go without. Changed files are taken up by themselves.",
  ),
  ops: tcpAddress()
    .default(LISTEN.ops)
    .describe("HTTP: /livez /readyz /metrics /status, and /.well-known/jwks.json of signed identity."),
  control: tcpAddress().default(LISTEN.control).describe("HTTP: the control API. Only for control and dev."),
});

const store = z.strictObject({
  type: oneOf(["redis", "embedded", "memory", "relay"])
    .default(STORE.type)
    .describe(
      "redis in production; embedded, a SQLite file, for one machine; memory for tests; relay asks the control plane at control.url, which a sidecar with feed.type relay does unless another store is named.",
    ),
  url: hidden(text(2_048, "redis://, rediss://, unix:/path, redis+sentinel:// or redis+cluster://"))
    .default(STORE.url)
    .describe(
      "redis: redis://, rediss://, unix:/path, redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port.",
    ),
  urlFile: text(4_096, FILE_PATH).optional().describe("A file that holds the url, for it may hold a password."),
  keyPrefix: matching(/^[\x21-\x7e]{0,128}$/, "at most 128 visible ASCII characters")
    .default(STORE.keyPrefix)
    .describe("Put before every key."),
  timeout: duration(1, 10 * SECOND_MS)
    .default(STORE.timeout)
    .describe("Of one look-up, connection included."),
  path: text(4_096, FILE_PATH).default(STORE.path).describe("embedded: the SQLite file."),
  requireNoEviction: flag()
    .default(STORE.requireNoEviction)
    .describe("redis: not ready while its maxmemory-policy may delete markers."),
});

const identity = z.strictObject({
  headers: allowing("a block of header names and the claims they carry", z.record(z.string(), CLAIM))
    .default(IDENTITY.headers)
    .describe(
      "Headers set upstream and the claim each carries: iss, sub, jti, client, tenant, session, scope or any other.",
    ),
  forwardToken: flag().default(IDENTITY.forwardToken).describe("false: Authorization is removed upstream."),
  signed: z
    .strictObject({
      header: text(128, "a header name").default(IDENTITY.signed.header).describe("The header that carries it."),
      issuer: text(1_024, "a name of its own, as an https URL").describe(
        "Its iss: no issuer's whose tokens are accepted.",
      ),
      audience: text(1_024, "a name of the upstreams").describe("Its aud: whom it is meant for."),
      keyFiles: allowing("a list of 1 to 8 paths", z.array(text(4_096, FILE_PATH)).min(1).max(8)).describe(
        "PEM: private keys of Ed25519 or P-256. The first signs, all are published.",
      ),
      lifetime: duration(5 * SECOND_MS, 10 * MINUTE_MS)
        .default(IDENTITY.signed.lifetime)
        .describe("Of one signature; half of it at least is left when it reaches the upstream."),
    })
    .optional()
    .describe("A header with a short JWT that nobody else can sign; there is none where left out."),
});

const telemetry = z.strictObject({
  otlp: allowing('the URL of an OTLP/HTTP receiver, or ""', z.union([z.literal(""), httpUrl()]))
    .default(TELEMETRY.otlp)
    .describe("Where traces are exported to; empty: nowhere."),
  sampleRatio: ratio()
    .default(TELEMETRY.sampleRatio)
    .describe("Share of calls traced where the caller has not decided."),
  decisions: z
    .strictObject({
      deny: allowing("all, or a number from 0 to 1", z.union([z.literal("all"), ratio()]))
        .default(TELEMETRY.decisions.deny)
        .describe("Share of denied calls that are logged."),
      allow: allowing("all, or a number from 0 to 1", z.union([z.literal("all"), ratio()]))
        .default(TELEMETRY.decisions.allow)
        .describe("Share of allowed calls that are logged."),
      subject: oneOf(["hashed", "plain"])
        .default(TELEMETRY.decisions.subject)
        .describe("How the log names the subject."),
    })
    .prefault({})
    .describe("Which decisions are logged."),
});

/** The whole file, as it is written. */
export const FILE: z.ZodType<WrittenFile> = z
  .strictObject({
    mode: oneOf(["enforce", "observe"])
      .default(MODE)
      .describe("observe: what would be refused is let through unnamed, marked and counted; nothing is guarded."),
    workers: count(1, MAX_WORKERS)
      .default(WORKERS)
      .describe(
        "Of serve: threads that answer Checks. From 2 on each has an address of its own in listen.grpc, all of them endpoints of Envoy's cluster, and limits hold for each.",
      ),
    listen: listen.prefault({}).describe("Where Portcullis listens."),
    issuers: allowing("a list of at least one issuer", z.array(ISSUER_BLOCK).min(1)).describe(
      "Whose tokens are accepted.",
    ),
    dpop: DPOP_BLOCK.prefault({}).describe("Proofs of possession that bound tokens come with (RFC 9449)."),
    store: store.prefault({}).describe("Where revocations are kept."),
    tiers: allowing("a block of at least one tier, strictest first", z.record(TIER, TIER_BLOCK))
      .prefault(TIERS)
      .describe("How old an answer may be, per tier, strictest first."),
    routes: allowing("a list of rules", z.array(ROUTE_BLOCK))
      .default([])
      .describe("First match wins; nothing matches: strictest tier, token required."),
    scopes: allowing("a list of scopes with their tier", z.array(SCOPE_BLOCK))
      .default([])
      .describe("Tiers that scopes ask for."),
    ambiguousPaths: oneOf(["refuse", "strictest"])
      .default(AMBIGUOUS_PATHS)
      .describe(
        "What becomes of a path that could mean two things: 400, or the strictest tier with all scopes of the host.",
      ),
    identity: identity.prefault({}).describe("What the upstream is told of the caller."),
    limits: z
      .strictObject({
        maxTokenBytes: size(256, 256 * 1_024)
          .default(LIMITS.maxTokenBytes)
          .describe("Longer tokens are refused unread."),
        maxInFlight: count(1, 1_000_000).default(LIMITS.maxInFlight).describe("Checks at once; beyond: 503 at once."),
        verifiedTokens: count(0, 10_000_000)
          .default(LIMITS.verifiedTokens)
          .describe("Verified tokens remembered; 0: each signature is verified on every call."),
      })
      .prefault({})
      .describe("Bounds."),
    drain: z
      .strictObject({
        delay: duration(0, 5 * MINUTE_MS)
          .default(DRAIN.delay)
          .describe("How long calls are still answered after health turned NOT_SERVING."),
        timeout: duration(0, 10 * MINUTE_MS)
          .default(DRAIN.timeout)
          .describe("How long calls in flight may take to finish."),
      })
      .prefault({})
      .describe("How SIGTERM is obeyed."),
    deadline: duration(5, MINUTE_MS)
      .default(DEADLINE)
      .describe("Of a whole Check; the caller's grpc-timeout less 20 % where shorter."),
    breaker: z
      .strictObject({
        window: duration(100, 10 * MINUTE_MS)
          .default(BREAKER.window)
          .describe("Over which failures are counted."),
        minCalls: count(1, 1_000_000).default(BREAKER.minCalls).describe("Fewer calls in the window never open it."),
        failureRatio: allowing("a number above 0, at most 1", z.number().gt(0).max(1))
          .default(BREAKER.failureRatio)
          .describe("Share of failed calls that opens it."),
        openFor: duration(10, 5 * MINUTE_MS)
          .default(BREAKER.openFor)
          .describe("How long it stays open before a probe."),
      })
      .prefault({})
      .describe("When the store is left alone."),
    telemetry: telemetry.prefault({}).describe("Traces and the decision log."),
    control: CONTROL_BLOCK.prefault({}).describe("The control API, for control, dev and the CLI."),
    dashboard: DASHBOARD_BLOCK.optional().describe("The web page of the control plane; there is none where left out."),
    ingress: INGRESS_BLOCK.prefault({}).describe("Others' standards by which revocations may come in."),
    kafka: KAFKA_BLOCK.optional().describe(
      "Of the control plane: revocations published to Kafka as CloudEvents, and taken from there. Left out: neither.",
    ),
    feed: z
      .strictObject({
        type: oneOf(["redis", "relay", "kafka", "none"])
          .default(FEED.type)
          .describe(
            "How a sidecar learns of revocations without asking: redis keeps a replica of a Redis store in memory; relay is told the same by the control plane at control.url, with control.reportToken; none asks the store. Embedded and memory stores are in this process and tell it themselves.",
          ),
        scanEvery: duration(SECOND_MS, HOUR_MS)
          .default(FEED.scanEvery)
          .describe("How often the store is scanned for direct writers' keys while the server does not tell of them."),
        directWriters: flag()
          .default(FEED.directWriters)
          .describe("false: nobody writes keys by hand; then they are heard of late, if at all."),
      })
      .prefault({})
      .describe("The revocation feed."),
    record: hidden(allowing("postgres://user@host:port/database", z.string().max(2_048)))
      .default("")
      .describe(
        "System of record of the control plane, a PostgreSQL: revocations are written there first, and the store is repaired from it.",
      ),
    recordFile: text(4_096, FILE_PATH).optional().describe("A file that holds record, for it may hold a password."),
  })
  .describe("Portcullis: one file for all commands.");
