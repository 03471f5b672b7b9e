// Compiles what an allow tells the upstream about the caller: which headers are set, which removed. Every managed
// header is in exactly one of the two lists. Never sees a request; spoofed spellings are the answer's business.

import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { claimText } from "./claim-text.ts";
import { headerOption, removedHeader } from "./header-option.ts";

/** Says what an allow stands on; managed like an identity header, and set on every allow. */
export const ASSURANCE_HEADER = "x-auth-assurance";

/** Rules look at the method: a back end must not read another one out of a header. */
const METHOD_OVERRIDE_HEADERS = ["x-http-method-override", "x-http-method", "x-method-override"];

export interface IdentityOptions {
  /** Header name → claim: `sub iss client tenant session scope jti` are the Principal's, any other is the claim so named. */
  readonly headers: ReadonlyMap<string, string>;
  /** False: Authorization does not reach the upstream. */
  readonly forwardToken: boolean;
}

export interface IdentityPolicy {
  /** Every header that carries identity. */
  readonly headers: readonly IdentityHeader[];
  /** Lower-cased: all names that no allow lets through as the client sent them. */
  readonly managedNames: readonly string[];
  /** Removals that every allow has, encoded. */
  readonly alwaysRemoved: Buffer;
  /** For anonymous routes: nothing set, every identity header removed. */
  readonly anonymous: CompiledIdentity;
}

export interface IdentityHeader {
  /** Lower-cased. */
  readonly name: string;
  readonly claim: string;
  /** Its removal, encoded: for tokens in which the claim has no value. */
  readonly removed: Buffer;
}

/** Compiled once per verified token: the part of every later answer that depends on its principal alone. */
export interface CompiledIdentity {
  /** Fields of an OkHttpResponse, encoded: identity headers set or removed, and what is always removed. */
  readonly okFields: Buffer;
}

export function compileIdentityPolicy(options: IdentityOptions): IdentityPolicy {
  const headers = [...options.headers]
    .map(([name, claim]): readonly [string, string] => [name.toLowerCase(), claim])
    .filter(([name]) => name !== ASSURANCE_HEADER)
    .map(([name, claim]): IdentityHeader => ({ name, claim, removed: removedHeader(name) }));
  const alwaysGone = options.forwardToken ? METHOD_OVERRIDE_HEADERS : [...METHOD_OVERRIDE_HEADERS, "authorization"];
  const alwaysRemoved = Buffer.concat(alwaysGone.map(removedHeader));
  return {
    headers,
    managedNames: [ASSURANCE_HEADER, ...METHOD_OVERRIDE_HEADERS, ...headers.map(({ name }) => name)],
    alwaysRemoved,
    anonymous: {
      okFields: Buffer.concat([...headers.map(({ removed }) => removed), alwaysRemoved]),
    },
  };
}

/** `claim_invalid` where a value cannot be told to the upstream unchanged: it is refused, never truncated. */
export function compileIdentity(
  principal: Principal,
  policy: IdentityPolicy,
): Result<CompiledIdentity, "claim_invalid"> {
  const fields: Buffer[] = [];
  for (const { name, claim, removed } of policy.headers) {
    const text = claimText(claimOf(principal, claim));
    if (!text.ok) return err("claim_invalid");
    fields.push(text.value === "" ? removed : headerOption(name, text.value));
  }
  return ok({ okFields: Buffer.concat([...fields, policy.alwaysRemoved]) });
}

function claimOf(principal: Principal, claim: string): unknown {
  switch (claim) {
    case "sub":
      return principal.subject;
    case "iss":
      return principal.issuer;
    case "client":
      return principal.client;
    case "tenant":
      return principal.tenant;
    case "session":
      return principal.session;
    case "scope":
      return principal.scopes;
    case "jti":
      return principal.tokenId;
    default:
      return Object.hasOwn(principal.claims, claim) ? principal.claims[claim] : undefined;
  }
}
