// What can be revoked (docs/redis-schema.md). Existence kinds revoke by a key that exists; watermark kinds by comparing iat.

export const EXISTENCE_KINDS = ["token", "session", "key"] as const;
export const WATERMARK_KINDS = ["user", "tenant", "client", "issuer", "everything"] as const;
export const TARGET_KINDS: readonly TargetKind[] = [...EXISTENCE_KINDS, ...WATERMARK_KINDS];

export type ExistenceKind = (typeof EXISTENCE_KINDS)[number];
export type WatermarkKind = (typeof WATERMARK_KINDS)[number];
export type TargetKind = ExistenceKind | WatermarkKind;

/**
 * Bytes of UTF-8 of the longest name. The API takes names as long as a token may have: none is accepted that could not
 * be revoked by its own. As much as a claim may have that is told to an upstream.
 */
export const MAX_NAME_BYTES = 4_096;

/** A target as the API names it: `issuer` is the short id, `id` the jti, sid, sub, tenant, client id or kid. */
export type Target =
  | {
      readonly kind: "token" | "session" | "key" | "user" | "tenant" | "client";
      readonly issuer: string;
      readonly id: string;
    }
  | { readonly kind: "issuer"; readonly issuer: string }
  | { readonly kind: "everything" };

export function isWatermarkKind(kind: TargetKind): kind is WatermarkKind {
  return (WATERMARK_KINDS as readonly string[]).includes(kind);
}
