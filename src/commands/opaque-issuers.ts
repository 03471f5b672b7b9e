// The issuers that are asked about opaque tokens, as the configuration names them.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import { createBreaker } from "../resilience/breaker.ts";
import type { Issuer } from "../token/issuer.ts";
import { createIntrospect } from "../token/opaque/introspection.ts";
import { createOpaqueIssuers, type OpaqueIssuers } from "../token/opaque/opaque-issuers.ts";
import { createOpaqueTokens, type OpaqueTokensOptions } from "../token/opaque/opaque-tokens.ts";
import { systemClock } from "./clock.ts";

/** An issuer 10 ms away answers 6,400 a second by so many; more would only queue there. */
const MAX_AT_ONCE = 64;
/** A probe's own question ends within its time-out; twice that is surely lost. */
const PROBE_TIMEOUTS = 2;

export interface OpaqueParts<T> {
  /** One per configured issuer, in that order. */
  readonly issuers: readonly Issuer[];
  readonly log: Log;
  readonly observer: Observer;
  readonly compile: OpaqueTokensOptions<T>["compile"];
}

/** Undefined: nobody is asked. */
export function opaqueIssuersOf<T>(config: Config, parts: OpaqueParts<T>): OpaqueIssuers<T> | undefined {
  const { issuers, ...common } = parts;
  const { failureRatio, minCallCount, openForMs, windowMs } = config.breaker;
  const asked = config.issuers.flatMap(({ id, introspection }) => {
    const issuer = issuers.find((candidate) => candidate.id === id);
    if (introspection === undefined || issuer === undefined) return [];
    const { clientId, clientSecret, prefix, timeoutMs, url } = introspection;
    const tokens = createOpaqueTokens<T>({
      ...common,
      issuer,
      introspect: createIntrospect({ url: new URL(url), clientId, clientSecret, maxAtOnce: MAX_AT_ONCE }),
      timeoutMs,
      maxAtOnce: MAX_AT_ONCE,
      rememberedTokens: config.limits.verifiedTokenCount,
      breaker: createBreaker({
        windowMs,
        minCalls: minCallCount,
        failureRatio,
        openForMs,
        probeForMs: PROBE_TIMEOUTS * timeoutMs,
        onChange: (state) => common.log.info("introspection_breaker", { issuer: id, state }),
      }),
      clock: systemClock,
    });
    return [{ prefix, tokens }];
  });
  return asked.length === 0 ? undefined : createOpaqueIssuers(asked);
}
