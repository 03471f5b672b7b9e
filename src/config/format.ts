// Writes an effective configuration as YAML that would load to the same one. Credentials are left out of it.

import { stringify } from "yaml";
import { formatAddress } from "./address.ts";
import type { Config, DpopConfig, IdentityConfig, ListenConfig, RouteConfig, StoreConfig } from "./config.ts";
import type { DashboardConfig } from "./control-config.ts";
import type { EndpointConfig, TransmitterConfig } from "./ingress-config.ts";
import type { IntrospectionConfig, IssuerConfig } from "./issuer-config.ts";
import type { KafkaConfig } from "./kafka-config.ts";
import { formatDuration, formatSize } from "./units.ts";

/** For people to read. User and password in the store's URL become `***`. */
export function formatConfig(config: Config): string {
  const { limits, drain, breaker, telemetry, control, feed, recordUrl } = config;
  return stringify(
    {
      mode: config.mode,
      workers: config.workerCount,
      listen: writeListen(config.listen),
      issuers: config.issuers.map(writeIssuer),
      dpop: writeDpop(config.dpop),
      store: writeStore(config.store),
      tiers: Object.fromEntries(
        config.tiers.map((tier) => [
          tier.name,
          { maxStaleness: formatDuration(tier.maxStalenessMs), failOpenFor: formatDuration(tier.failOpenForMs) },
        ]),
      ),
      routes: config.routes.map(writeRoute),
      scopes: config.scopes,
      ambiguousPaths: config.ambiguousPaths,
      identity: writeIdentity(config.identity),
      limits: {
        maxTokenBytes: formatSize(limits.maxTokenBytes),
        maxInFlight: limits.maxInFlightCount,
        verifiedTokens: limits.verifiedTokenCount,
      },
      drain: { delay: formatDuration(drain.delayMs), timeout: formatDuration(drain.timeoutMs) },
      deadline: formatDuration(config.deadlineMs),
      breaker: {
        window: formatDuration(breaker.windowMs),
        minCalls: breaker.minCallCount,
        failureRatio: breaker.failureRatio,
        openFor: formatDuration(breaker.openForMs),
      },
      telemetry: {
        otlp: telemetry.otlp ?? "",
        sampleRatio: telemetry.sampleRatio,
        decisions: {
          deny: telemetry.decisions.denyRatio,
          allow: telemetry.decisions.allowRatio,
          subject: telemetry.decisions.plainSubject ? "plain" : "hashed",
        },
      },
      control: {
        url: control.url,
        issuer: control.issuer,
        audience: control.audience,
        tokens: control.tokens,
        secondPerson: control.secondPerson,
        ...(control.tls === undefined ? {} : { tls: control.tls }),
        audit: { keep: formatDuration(control.audit.keepMs), maxEntries: control.audit.maxEntries },
      },
      ...(config.dashboard === undefined ? {} : { dashboard: writeDashboard(config.dashboard) }),
      ingress: { ...config.ingress, ssf: config.ingress.ssf.map(writeTransmitter) },
      ...(config.kafka === undefined ? {} : { kafka: writeKafka(config.kafka) }),
      feed: { type: feed.type, scanEvery: formatDuration(feed.scanEveryMs), directWriters: feed.directWriters },
      record: recordUrl === undefined ? "" : withoutCredential(recordUrl),
    },
    { aliasDuplicateObjects: false },
  );
}

function writeDashboard({ oidc, tokenSignIn }: DashboardConfig): object {
  if (oidc === undefined) return { tokenSignIn };
  const { issuer, clientId, redirectUrl, scope, parameters } = oidc;
  return { oidc: { issuer, clientId, redirectUrl, scope, parameters }, tokenSignIn };
}

function writeListen({ grpc, transport, tls, ops, control }: ListenConfig): unknown {
  return {
    grpc: grpc.map(formatAddress),
    transport,
    ...(tls === undefined ? {} : { tls }),
    ops: formatAddress(ops),
    control: formatAddress(control),
  };
}

/** The keys are left out; where they are stays. */
function writeIdentity({ headers, forwardToken, signed }: IdentityConfig): unknown {
  const claims = Object.fromEntries(headers.map(({ name, claim }) => [name, claim]));
  if (signed === undefined) return { headers: claims, forwardToken };
  const { keys: _secrets, lifetimeMs, ...rest } = signed;
  return { headers: claims, forwardToken, signed: { ...rest, lifetime: formatDuration(lifetimeMs) } };
}

function writeIssuer(issuer: IssuerConfig): unknown {
  const { jwks, algorithms, profile } = issuer;
  return {
    issuer: issuer.issuer,
    id: issuer.id,
    jwks: writeJwks(jwks),
    ...(jwks.kind === "envoy" ? {} : { algorithms, profile }),
    senderConstraint: issuer.senderConstraint,
    ...(issuer.audiences === undefined ? { anyAudience: true } : { audiences: issuer.audiences }),
    clockSkew: formatDuration(issuer.clockSkewMs),
    maxLifetime: formatDuration(issuer.maxLifetimeMs),
    requireJti: issuer.requireJti,
    ...(issuer.introspection === undefined ? {} : { introspection: writeIntrospection(issuer.introspection) }),
    ...(issuer.statusLists === undefined ? {} : { statusLists: writeStatusLists(issuer.statusLists) }),
    claims: issuer.claims,
  };
}

function writeStatusLists({ maxStalenessMs, ...rest }: NonNullable<IssuerConfig["statusLists"]>): unknown {
  return { ...rest, maxStaleness: formatDuration(maxStalenessMs) };
}

function writeIntrospection({ clientSecret: _secret, timeoutMs, ...rest }: IntrospectionConfig): unknown {
  return { ...rest, timeout: formatDuration(timeoutMs) };
}

function writeTransmitter(config: TransmitterConfig): unknown {
  const { jwks, clockSkewMs, poll, verification, ...transmitter } = config;
  return {
    ...transmitter,
    jwks: writeJwks(jwks),
    clockSkew: formatDuration(clockSkewMs),
    ...(poll === undefined ? {} : { poll: writeEndpoint(poll) }),
    ...(verification === undefined ? {} : { verification: writeEndpoint(verification) }),
  };
}

function writeEndpoint({ bearer: _secret, everyMs, ...rest }: EndpointConfig & { readonly everyMs: number }): unknown {
  return { ...rest, every: formatDuration(everyMs) };
}

/** `sasl.password` is left out with the other credentials. */
function writeKafka({ sasl, ...kafka }: KafkaConfig): unknown {
  const { mechanism, username } = sasl ?? {};
  // What is not set is left out, as YAML has no word for undefined.
  return JSON.parse(JSON.stringify({ ...kafka, sasl: sasl && { mechanism, username, password: "***" } }));
}

function writeJwks(jwks: IssuerConfig["jwks"]): unknown {
  switch (jwks.kind) {
    case "envoy":
      return { envoy: known({ namespace: jwks.namespace, payload: jwks.payload, header: jwks.header }) };
    case "file":
      return { file: jwks.path };
    case "url":
      return jwks.allowHttp ? { url: jwks.url, allowHttp: true } : { url: jwks.url };
    case "discovery":
      return jwks.allowHttp ? { discovery: true, allowHttp: true } : { discovery: true };
  }
}

/** The nonces' secret is left out. */
function writeDpop({ maxAgeMs, clockSkewMs, nonceRequired, ...dpop }: DpopConfig): unknown {
  return {
    algorithms: dpop.algorithms,
    maxAge: formatDuration(maxAgeMs),
    clockSkew: formatDuration(clockSkewMs),
    scheme: dpop.scheme,
    nonces: nonceRequired ? "required" : "off",
    maxRemembered: dpop.maxRemembered,
  };
}

function writeStore(store: StoreConfig): unknown {
  return {
    type: store.type,
    ...(store.type === "redis"
      ? { url: withoutCredential(store.url), requireNoEviction: store.requireNoEviction }
      : {}),
    ...(store.type === "embedded" ? { path: store.path } : {}),
    keyPrefix: store.keyPrefix,
    timeout: formatDuration(store.timeoutMs),
  };
}

/**
 * The credential ends at the last @ of the authority, for a password may hold others (URL Standard, authority state).
 * A user goes too: whoever forgot the colon has written the password there.
 */
function withoutCredential(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/?#]*@/, "$1***@");
}

function writeRoute({ anonymous, scopes, ...rest }: RouteConfig): unknown {
  return {
    ...known(rest),
    ...(anonymous ? { anonymous } : {}),
    ...(scopes.length > 0 ? { scopes } : {}),
  };
}

/** Keys that are not set are left out. */
function known(block: object): object {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined));
}
