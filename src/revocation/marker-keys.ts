// Reads the names of marker keys back (keys.ts writes them), and says what a scan for them must match.

import type { Target, TargetKind } from "../core/target.ts";
import { markerKey } from "./keys.ts";
import type { ListQuery } from "./store.ts";

/** A target as its key tells it: `id` is `=` + a hash where the name itself does not stand in the key. */
export type KeyTarget = Target;

type NamedKind = Exclude<TargetKind, "issuer" | "everything">;

const NAMED_KEY =
  /^(revoked:(?:jti|sid|kid)|(?:user|tenant|client):revoked_after):([a-z0-9-]{1,32}):([A-Za-z0-9._~@-]{1,128}|=[A-Za-z0-9_-]{43})$/;
const ISSUER_KEY = /^issuer:revoked_after:([a-z0-9-]{1,32})$/;

const KIND_OF_NAME: Readonly<Record<string, NamedKind>> = {
  "revoked:jti": "token",
  "revoked:sid": "session",
  "revoked:kid": "key",
  "user:revoked_after": "user",
  "tenant:revoked_after": "tenant",
  "client:revoked_after": "client",
};

/** What the marker under `key` revokes; undefined where `key` is no marker's. */
export function targetOfKey(keyPrefix: string, key: string): KeyTarget | undefined {
  if (!key.startsWith(keyPrefix)) return undefined;
  const name = key.slice(keyPrefix.length);
  if (name === "global:revoked_after") return { kind: "everything" };
  const issuer = ISSUER_KEY.exec(name)?.[1];
  if (issuer !== undefined) return { kind: "issuer", issuer };
  const parts = NAMED_KEY.exec(name);
  return parts === null ? undefined : namedTarget(parts as readonly string[] as NamedParts);
}

/** The whole key, then what its three groups matched. */
type NamedParts = readonly [string, string, string, string];

function namedTarget([, name, issuer, id]: NamedParts): KeyTarget | undefined {
  const kind = KIND_OF_NAME[name];
  return kind === undefined ? undefined : { kind, issuer, id };
}

const NAME_OF_KIND: Readonly<Record<TargetKind, string>> = {
  token: "revoked:jti:*",
  session: "revoked:sid:*",
  key: "revoked:kid:*",
  user: "user:revoked_after:*",
  tenant: "tenant:revoked_after:*",
  client: "client:revoked_after:*",
  issuer: "issuer:revoked_after:*",
  everything: "global:revoked_after",
};

/** How every marker key begins, after the key prefix; none begins another. */
export const MARKER_PREFIXES: readonly string[] = Object.values(NAME_OF_KIND).map((name) => name.replace("*", ""));

/** A glob that every marker key of the query matches, and others may. */
export function scanPattern(keyPrefix: string, query: ListQuery): string {
  const name = query.kind === undefined ? "*revoked*" : NAME_OF_KIND[query.kind];
  return keyPrefix.replace(/[\\*?[\]^-]/g, "\\$&") + name;
}

/** Whether the marker under `key`, which revokes `target`, is one the query asks for. */
export function asksFor(query: ListQuery, keyPrefix: string, key: string, target: KeyTarget): boolean {
  if (query.kind !== undefined && query.kind !== target.kind) return false;
  if (query.issuer !== undefined && (!("issuer" in target) || target.issuer !== query.issuer)) return false;
  if (query.id === undefined) return true;
  // By its key, so that a name that stands there as a hash is found by the name itself.
  return "id" in target && (target.id === query.id || markerKey(keyPrefix, { ...target, id: query.id }) === key);
}
