// The names of the Redis keys (docs/redis-schema.md). Other programs write these keys: a change here is a breaking one.

import { createHash } from "node:crypto";
import type { Target } from "../core/target.ts";

/** A name part up to this long and of plain bytes stands in a key as it is. */
const PLAIN_PART = /^[A-Za-z0-9._~@-]{1,128}$/;

/**
 * A claim's value as part of a key: itself if plain, otherwise `=` + base64url(SHA-256 of its UTF-8 bytes).
 * `=` cannot start a plain part, so the two never meet.
 */
export function namePart(value: string): string {
  if (PLAIN_PART.test(value)) return value;
  return `=${createHash("sha256").update(value, "utf8").digest("base64url")}`;
}

/**
 * The key that revokes `target`. Joined, for a sum of strings is kept as what it was made of until somebody looks at its
 * characters: half a dozen objects for as long as the token is remembered.
 */
export function markerKey(keyPrefix: string, target: Target): string {
  switch (target.kind) {
    case "token":
      return [keyPrefix, "revoked:jti:", target.issuer, ":", namePart(target.id)].join("");
    case "session":
      return [keyPrefix, "revoked:sid:", target.issuer, ":", namePart(target.id)].join("");
    case "key":
      return [keyPrefix, "revoked:kid:", target.issuer, ":", namePart(target.id)].join("");
    case "user":
      return [keyPrefix, "user:revoked_after:", target.issuer, ":", namePart(target.id)].join("");
    case "tenant":
      return [keyPrefix, "tenant:revoked_after:", target.issuer, ":", namePart(target.id)].join("");
    case "client":
      return [keyPrefix, "client:revoked_after:", target.issuer, ":", namePart(target.id)].join("");
    case "issuer":
      return `${keyPrefix}issuer:revoked_after:${target.issuer}`;
    case "everything":
      return `${keyPrefix}global:revoked_after`;
  }
}
