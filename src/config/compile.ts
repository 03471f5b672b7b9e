// Compiles a file that was found without fault into the effective configuration: units to numbers, names to lists,
// paths to absolute ones. It refuses nothing: what it can't read here is a bug of the schema.

import { resolve } from "node:path";
import type { Tier } from "../core/tier.ts";
import { localUrl, readAddress } from "./address.ts";
import { defaultIssuer, ms, must } from "./checked.ts";
import { compileIngress } from "./compile-ingress.ts";
import { compileKafka } from "./compile-kafka.ts";
import type {
  Address,
  Config,
  DpopConfig,
  IdentityConfig,
  ListenConfig,
  RouteConfig,
  StoreConfig,
  TcpAddress,
  TelemetryConfig,
} from "./config.ts";
import type { ControlConfig } from "./control-config.ts";
import type { IntrospectionConfig, IssuerConfig } from "./issuer-config.ts";
import { ISSUER } from "./defaults.ts";
import type { SecretSiblings } from "./secret-siblings.ts";
import type { TlsFiles } from "./tls-files.ts";
import { readSize } from "./units.ts";
import type {
  WrittenDpop,
  WrittenFile,
  WrittenIssuer,
  WrittenRoute,
  WrittenStore,
  WrittenTelemetry,
} from "./written.ts";

/** `directory` is the file's, absolute. */
export function compileConfig(file: string, directory: string, written: WrittenFile, secrets: SecretSiblings): Config {
  const listen = compileListen(written.listen, directory);
  const store = compileStore(written.store, directory, secrets.storeUrl);
  return {
    file,
    mode: written.mode,
    workerCount: written.workers,
    listen,
    issuers: written.issuers.map((issuer, index) =>
      compileIssuer(issuer, directory, secrets.ofLists.get(`issuers.${index}.introspection.clientSecretFile`)),
    ),
    dpop: compileDpop(written.dpop, secrets.nonceSecret),
    store,
    tiers: compileTiers(written.tiers),
    routes: written.routes.map(compileRoute),
    scopes: written.scopes,
    ambiguousPaths: written.ambiguousPaths,
    identity: compileIdentity(written.identity, directory, secrets),
    limits: {
      maxTokenBytes: must(readSize(written.limits.maxTokenBytes)),
      maxInFlightCount: written.limits.maxInFlight,
      verifiedTokenCount: written.limits.verifiedTokens,
    },
    drain: { delayMs: ms(written.drain.delay), timeoutMs: ms(written.drain.timeout) },
    deadlineMs: ms(written.deadline),
    breaker: {
      windowMs: ms(written.breaker.window),
      minCallCount: written.breaker.minCalls,
      failureRatio: written.breaker.failureRatio,
      openForMs: ms(written.breaker.openFor),
    },
    telemetry: compileTelemetry(written.telemetry),
    control: compileControl(written, listen.control, directory, secrets),
    dashboard: compileDashboard(written.dashboard, secrets),
    ingress: compileIngress(written, directory, secrets),
    kafka: compileKafka(written, directory, secrets.kafkaPassword),
    feed: {
      type: compileFeedType(written.feed.type, store),
      scanEveryMs: ms(written.feed.scanEvery),
      directWriters: written.feed.directWriters,
    },
    recordUrl: secrets.record ?? (written.record === "" ? undefined : written.record),
  };
}

/** The schema's other types were refused by the checks. */
function compileFeedType(type: WrittenFile["feed"]["type"], store: StoreConfig): Config["feed"]["type"] {
  if (type === "relay") return "relay";
  return type === "redis" && canFeed(store) ? "redis" : "none";
}

/** A Cluster feeds nobody yet (ADR 15); a store in this process does so there. */
export function canFeed({ type, url }: StoreConfig): boolean {
  return type !== "redis" || !/^rediss?\+cluster:/i.test(url);
}

function compileListen(listen: WrittenFile["listen"], directory: string): ListenConfig {
  const grpc = typeof listen.grpc === "string" ? [listen.grpc] : listen.grpc;
  return {
    grpc: grpc.map((text) => absolute(must(readAddress(text)), directory)),
    transport: listen.transport,
    tls: compileTls(listen.tls, directory),
    ops: must(readAddress(listen.ops)) as TcpAddress,
    control: must(readAddress(listen.control)) as TcpAddress,
  };
}

function compileTls(tls: WrittenFile["control"]["tls"], directory: string): TlsFiles | undefined {
  if (tls === undefined) return undefined;
  const { certificateFile, keyFile, clientCaFile } = tls;
  return {
    certificateFile: resolve(directory, certificateFile),
    keyFile: resolve(directory, keyFile),
    clientCaFile: clientCaFile === undefined ? undefined : resolve(directory, clientCaFile),
  };
}

function absolute(address: Address, directory: string): Address {
  return address.kind === "unix" ? { kind: "unix", path: resolve(directory, address.path) } : address;
}

/** Names as HTTP/2 has them (RFC 9113 §8.2), however they are written. */
function compileIdentity(
  { headers, forwardToken, signed }: WrittenFile["identity"],
  directory: string,
  secrets: SecretSiblings,
): IdentityConfig {
  return {
    headers: Object.entries(headers).map(([name, claim]) => ({ name: name.toLowerCase(), claim })),
    forwardToken,
    signed: signed && {
      header: signed.header.toLowerCase(),
      issuer: signed.issuer,
      audience: signed.audience,
      keyFiles: signed.keyFiles.map((file) => resolve(directory, file)),
      keys: signed.keyFiles.map((_file, index) => must(secrets.ofLists.get(`identity.signed.keyFiles.${index}`))),
      lifetimeMs: ms(signed.lifetime),
    },
  };
}

function compileIssuer(issuer: WrittenIssuer, directory: string, clientSecret: string | undefined): IssuerConfig {
  const { introspection, statusLists } = issuer;
  return {
    id: issuer.id ?? ISSUER.id,
    issuer: issuer.issuer,
    jwks: compileJwks(issuer.jwks, directory),
    senderConstraint: issuer.senderConstraint,
    audiences: issuer.anyAudience ? undefined : issuer.audiences,
    algorithms: [...new Set(issuer.algorithms)],
    profile: issuer.profile,
    clockSkewMs: ms(issuer.clockSkew),
    maxLifetimeMs: ms(issuer.maxLifetime),
    requireJti: issuer.requireJti,
    introspection: introspection && compileIntrospection(introspection, directory, must(clientSecret)),
    statusLists: statusLists && {
      uris: statusLists.uris.map((uri) => new URL(uri).href),
      maxStalenessMs: ms(statusLists.maxStaleness),
      privateAddresses: statusLists.privateAddresses,
    },
    claims: issuer.claims,
  };
}

function compileIntrospection(
  { timeout, clientSecretFile, ...rest }: NonNullable<WrittenIssuer["introspection"]>,
  directory: string,
  clientSecret: string,
): IntrospectionConfig {
  return {
    ...rest,
    clientSecretFile: resolve(directory, clientSecretFile),
    clientSecret,
    timeoutMs: ms(timeout),
  };
}

function compileDpop(dpop: WrittenDpop, nonceSecret: string | undefined): DpopConfig {
  return {
    algorithms: [...new Set(dpop.algorithms)],
    maxAgeMs: ms(dpop.maxAge),
    clockSkewMs: ms(dpop.clockSkew),
    scheme: dpop.scheme,
    nonceRequired: dpop.nonces === "required",
    nonceSecret,
    maxRemembered: dpop.maxRemembered,
  };
}

function compileJwks(jwks: WrittenIssuer["jwks"], directory: string): IssuerConfig["jwks"] {
  if (jwks.envoy !== undefined) return { kind: "envoy", header: undefined, ...jwks.envoy };
  if (jwks.url !== undefined) return { kind: "url", url: jwks.url, allowHttp: jwks.allowHttp };
  if (jwks.file !== undefined) return { kind: "file", path: resolve(directory, jwks.file) };
  return { kind: "discovery", allowHttp: jwks.allowHttp };
}

function compileStore(store: WrittenStore, directory: string, storeUrl: string | undefined): StoreConfig {
  return {
    type: store.type,
    url: storeUrl ?? store.url,
    keyPrefix: store.keyPrefix,
    timeoutMs: ms(store.timeout),
    path: resolve(directory, store.path),
    requireNoEviction: store.requireNoEviction,
  };
}

function compileTiers(tiers: WrittenFile["tiers"]): readonly Tier[] {
  return Object.entries(tiers).map(([name, tier], rank) => ({
    name,
    rank,
    maxStalenessMs: ms(tier.maxStaleness),
    failOpenForMs: ms(tier.failOpenFor),
  }));
}

function compileRoute(route: WrittenRoute): RouteConfig {
  return {
    name: route.name,
    host: route.host?.toLowerCase().replace(/\.$/, ""),
    path: route.path,
    methods: route.methods,
    anonymous: route.anonymous,
    tier: route.tier,
    scopes: [...new Set(route.scopes)],
  };
}

function compileTelemetry(telemetry: WrittenTelemetry): TelemetryConfig {
  const { deny, allow, subject } = telemetry.decisions;
  return {
    otlp: telemetry.otlp === "" ? undefined : telemetry.otlp,
    sampleRatio: telemetry.sampleRatio,
    decisions: {
      denyRatio: deny === "all" ? 1 : deny,
      allowRatio: allow === "all" ? 1 : allow,
      plainSubject: subject === "plain",
    },
  };
}

function compileControl(
  { control, issuers }: WrittenFile,
  listen: TcpAddress,
  directory: string,
  secrets: SecretSiblings,
): ControlConfig {
  return {
    url: control.url ?? localUrl(listen, control.tls !== undefined),
    // Of those whose tokens are verified here.
    issuer: control.issuer ?? defaultIssuer(issuers.filter(({ jwks }) => jwks.envoy === undefined)),
    audience: control.audience,
    tokens: control.tokens.map((token) => ({ ...token, sha256: token.sha256.toLowerCase() })),
    secondPerson: control.secondPerson,
    tls: compileTls(control.tls, directory),
    audit: { keepMs: ms(control.audit.keep), maxEntries: control.audit.maxEntries, secret: secrets.auditSecret },
    reportToken: secrets.reportToken,
  };
}

function compileDashboard(dashboard: WrittenFile["dashboard"], secrets: SecretSiblings): Config["dashboard"] {
  if (dashboard === undefined) return undefined;
  const { oidc, tokenSignIn } = dashboard;
  if (oidc === undefined) return { oidc, tokenSignIn };
  const { issuer, clientId, redirectUrl, scope, parameters } = oidc;
  const clientSecret = secrets.dashboardClientSecret ?? oidc.clientSecret;
  return { oidc: { issuer, clientId, clientSecret, redirectUrl, scope, parameters }, tokenSignIn };
}
