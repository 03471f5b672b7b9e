// Reads the names of marker keys back (keys.ts writes them), and says what a scan for them must match.

import type { Target, TargetKind } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import type { ListQuery } from "../store.ts";

/** A target as its key tells it: `id` is `=` + a hash where the name itself does not stand in the key. */
export type NamedTarget = Target;

const KEY =
  /^(?:revoked:(?<existence>jti|sid|kid)|(?<watermark>user|tenant|client):revoked_after):(?<issuer>[a-z0-9-]{1,32}):(?<id>[A-Za-z0-9._~@-]{1,128}|=[A-Za-z0-9_-]{43})$/;
const ISSUER_KEY = /^issuer:revoked_after:(?<issuer>[a-z0-9-]{1,32})$/;

const EXISTENCE_KIND = { jti: "token", sid: "session", kid: "key" } as const;

/** What the marker under `key` revokes; undefined where `key` is no marker's. */
export function targetOfKey(keyPrefix: string, key: string): NamedTarget | undefined {
  if (!key.startsWith(keyPrefix)) return undefined;
  const name = key.slice(keyPrefix.length);
  if (name === "global:revoked_after") return { kind: "everything" };
  const issuer = ISSUER_KEY.exec(name)?.groups?.["issuer"];
  if (issuer !== undefined) return { kind: "issuer", issuer };
  const parts = KEY.exec(name)?.groups;
  if (parts?.["issuer"] === undefined || parts["id"] === undefined) return undefined;
  const kind = (parts["watermark"] ?? EXISTENCE_KIND[parts["existence"] as keyof typeof EXISTENCE_KIND]) as NamedKind;
  return { kind, issuer: parts["issuer"], id: parts["id"] };
}

type NamedKind = Exclude<TargetKind, "issuer" | "everything">;

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

/** A glob that every marker key of the query matches, and others may. */
export function scanPattern(keyPrefix: string, query: ListQuery): string {
  const name = query.kind === undefined ? "*revoked*" : NAME_OF_KIND[query.kind];
  return keyPrefix.replace(/[\\*?[\]^-]/g, "\\$&") + name;
}

/** Whether the marker under `key`, which revokes `target`, is one the query asks for. */
export function asksFor(query: ListQuery, keyPrefix: string, key: string, target: NamedTarget): boolean {
  if (query.kind !== undefined && query.kind !== target.kind) return false;
  if (query.issuer !== undefined && (!("issuer" in target) || target.issuer !== query.issuer)) return false;
  if (query.id === undefined) return true;
  // By its key, so that a name that stands there as a hash is found by the name itself.
  return "id" in target && (target.id === query.id || markerKey(keyPrefix, { ...target, id: query.id }) === key);
}
