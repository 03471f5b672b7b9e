// Compiles what an allow tells the upstream about the caller: which headers are set, which removed. Every managed
// header is in exactly one of the two lists. Never sees a request; spoofed spellings are the answer's business.

import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { inOwnMemory } from "../resilience/own-memory.ts";
import { claimText } from "./claim-text.ts";
import type { CompiledIdentity, SignedHeader } from "./compiled-identity.ts";
import { headerOption, removedHeader } from "./header-option.ts";
import { SignedFields } from "./signed-fields.ts";

/** Says what an allow stands on; managed like an identity header, and set on every allow. */
export const ASSURANCE_HEADER = "x-auth-assurance";

/** Rules look at the method: a back end must not read another one out of a header. */
const METHOD_OVERRIDE_HEADERS = ["x-http-method-override", "x-http-method", "x-method-override"];

export interface IdentityOptions {
  /** Header name → claim: `sub iss client tenant session scope jti` are the Principal's, any other is the claim so named. */
  readonly headers: ReadonlyMap<string, string>;
  /** False: Authorization does not reach the upstream. */
  readonly forwardToken: boolean;
  /** A header more, which nobody else can write; undefined: there is none. */
  readonly signed?: SignedHeader | undefined;
}

export interface IdentityPolicy {
  /** Every header that carries identity. */
  readonly headers: readonly IdentityHeader[];
  /** Lower-cased: all names that no allow lets through as the client sent them. */
  readonly managedNames: readonly string[];
  /** Removals that every allow has, encoded. */
  readonly alwaysRemoved: Buffer;
  readonly signed: SignedHeader | undefined;
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

export function compileIdentityPolicy(options: IdentityOptions): IdentityPolicy {
  const headers = [...options.headers]
    .map(([name, claim]): readonly [string, string] => [name.toLowerCase(), claim])
    .filter(([name]) => name !== ASSURANCE_HEADER)
    .map(([name, claim]): IdentityHeader => ({ name, claim, removed: removedHeader(name) }));
  const alwaysGone = options.forwardToken ? METHOD_OVERRIDE_HEADERS : [...METHOD_OVERRIDE_HEADERS, "authorization"];
  const alwaysRemoved = Buffer.concat(alwaysGone.map(removedHeader));
  const { signed } = options;
  const names = [...headers.map(({ name }) => name), ...(signed === undefined ? [] : [signed.name])];
  return {
    headers,
    managedNames: [ASSURANCE_HEADER, ...METHOD_OVERRIDE_HEADERS, ...names],
    alwaysRemoved,
    signed,
    anonymous: new PlainFields(Buffer.concat([...names.map(removedHeader), alwaysRemoved])),
  };
}

/** The same on every call. Each remembered token has one, so it is no closure. */
class PlainFields implements CompiledIdentity {
  readonly #fields: Buffer;

  constructor(fields: Buffer) {
    this.#fields = fields;
  }

  okFields(): Buffer {
    return this.#fields;
  }
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
  fields.push(policy.alwaysRemoved);
  const plain = inOwnMemory(...fields);
  if (policy.signed === undefined) return ok(new PlainFields(plain));
  const statement = policy.signed.signer.statementOf(principal);
  return statement.ok ? ok(new SignedFields(policy.signed, statement.value, plain)) : statement;
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
