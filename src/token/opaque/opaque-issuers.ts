// Which issuer is asked about an opaque token: the one with the longest prefix that the token has. Nobody else hears of it.

import { mayBeOpaque } from "./opaque-form.ts";
import type { OpaqueTokens } from "./opaque-tokens.ts";

export interface OpaqueIssuers<T> {
  /** Undefined: the token is none that an issuer is asked about. */
  of(token: Buffer): OpaqueTokens<T> | undefined;
}

interface OpaqueIssuer<T> {
  /** What its tokens begin with; empty: anything. Each once. */
  readonly prefix: string;
  readonly tokens: OpaqueTokens<T>;
}

export function createOpaqueIssuers<T>(issuers: readonly OpaqueIssuer<T>[]): OpaqueIssuers<T> {
  const longestFirst = issuers
    .map(({ prefix, tokens }) => ({ prefix: Buffer.from(prefix), tokens }))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
  return {
    of(token) {
      if (!mayBeOpaque(token)) return undefined;
      return longestFirst.find(({ prefix }) => token.subarray(0, prefix.length).equals(prefix))?.tokens;
    },
  };
}
