// The trusted issuers with their key sources. On a reload a source lives on while what it reads stays the same.

import type { IssuerConfig, JwksConfig } from "../config/issuer-config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { Issuer } from "../token/issuer.ts";
import type { KeySource } from "../token/key-source.ts";
import { createKeySource, type JwksLocation, type KeySourceOptions } from "../token/polled-keys.ts";
import { systemClock } from "./clock.ts";

const STOP_TIMEOUT_MS = 5_000;

export interface Issuers {
  /** One per configured issuer whose tokens are verified here, in that order. Starts sources that are new; `settled` when each has tried once. */
  use(configs: readonly IssuerConfig[]): { readonly issuers: readonly Issuer[]; readonly settled: Promise<unknown> };
  /** The sources of these are never retired. */
  keep(issuers: readonly Issuer[]): void;
  /** Ends the sources that the last use() no longer names. */
  retireUnused(): Promise<void>;
  stop(): Promise<void>;
}

/** Where sources come from. */
export interface KeySources {
  /** A source that is not started. `name` is equal for equal options, in every thread. */
  open(name: string, options: KeySourceOptions): KeySource;
  /** The source of this name is not used any more. */
  retired(name: string): void;
}

const FETCHING: KeySources = { open: (_, options) => createKeySource(options), retired() {} };

export function createIssuers(observer: Observer, log: Log, from: KeySources = FETCHING): Issuers {
  const sources = new Map<string, KeySource>();
  const kept = new Set<KeySource>();
  let inUse: ReadonlySet<string> = new Set();

  function sourceOf(config: KeyedIssuer): {
    readonly name: string;
    readonly source: KeySource;
    readonly fresh: boolean;
  } {
    const location = locationOf(config);
    const name = JSON.stringify([config.id, location, config.algorithms]);
    const known = sources.get(name);
    if (known !== undefined) return { name, source: known, fresh: false };
    const source = from.open(name, {
      issuerId: config.id,
      location,
      algorithms: config.algorithms,
      clock: systemClock,
      observer,
      log,
    });
    sources.set(name, source);
    return { name, source, fresh: true };
  }

  return {
    use(configs) {
      const found = configs.filter(hasKeys).map((config) => Object.assign(sourceOf(config), { config }));
      inUse = new Set(found.map(({ name }) => name));
      return {
        issuers: found.map(({ config, source }) => issuerOf(config, source)),
        settled: Promise.all(found.filter(({ fresh }) => fresh).map(({ source }) => source.start())),
      };
    },
    keep(issuers) {
      for (const { keys } of issuers) kept.add(keys);
    },
    async retireUnused() {
      const unused = [...sources].filter(([name, source]) => !inUse.has(name) && !kept.has(source));
      for (const [name] of unused) {
        sources.delete(name);
        from.retired(name);
      }
      await Promise.all(unused.map(([, source]) => source.stop()));
    },
    async stop() {
      await Promise.all([...sources.values()].map((source) => source.stop()));
    },
  };
}

/** Not waited for: readiness does, and a Check before they are here is told `keys_unavailable`. */
export function issuersPart(sources: Issuers): Part {
  return {
    name: "keys",
    start: () => Promise.resolve(),
    stop: () => sources.stop(),
    startTimeoutMs: STOP_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  };
}

type KeyedIssuer = IssuerConfig & { readonly jwks: JwksConfig };

function hasKeys(config: IssuerConfig): config is KeyedIssuer {
  return config.jwks.kind !== "envoy";
}

function locationOf({ jwks, issuer }: KeyedIssuer): JwksLocation {
  return jwks.kind === "discovery" ? { kind: "discovery", issuer, allowHttp: jwks.allowHttp } : jwks;
}

function issuerOf(config: IssuerConfig, keys: KeySource): Issuer {
  const { id, issuer, audiences, algorithms, profile, clockSkewMs, maxLifetimeMs, requireJti, claims } = config;
  const rest = { senderConstraint: config.senderConstraint, keys };
  return { id, issuer, audiences, algorithms, profile, clockSkewMs, maxLifetimeMs, requireJti, claims, ...rest };
}
