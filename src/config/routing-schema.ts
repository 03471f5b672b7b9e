// The schema of tiers, routes and scopes: which call is judged how strictly.

import { z } from "zod";
import { FAIL_OPEN_FOR } from "./defaults.ts";
import { allowing, duration, flag, matching, text } from "./fields.ts";
import { NAME, SCOPE, TIER } from "./names.ts";
import { HOUR_MS } from "./units.ts";
import type { WrittenFile, WrittenRoute } from "./written.ts";

/** One of `tiers`. */
export const TIER_BLOCK: z.ZodType<WrittenFile["tiers"][string]> = z.strictObject({
  maxStaleness: duration(0, HOUR_MS).describe(
    "An answer younger than this is used without asking; 0s asks the store on every call.",
  ),
  failOpenFor: duration(0, 24 * HOUR_MS)
    .default(FAIL_OPEN_FOR)
    .describe("How long after the store's last answer a call is still let through, marked; 0s: refused with 503."),
});

/** One item of `routes`. */
export const ROUTE_BLOCK: z.ZodType<WrittenRoute> = z.strictObject({
  name: NAME.optional().describe("For metadata and logs; its index otherwise."),
  host: text(255, "a host name without port").optional().describe("Matches this host only."),
  path: text(2_048, "a path pattern: literal segments, * for one segment, ** last for the rest").describe(
    "Literal segments, * for one non-empty segment, ** (only last) for the rest.",
  ),
  methods: allowing(
    "a list of methods in upper case, such as [GET, HEAD]",
    z.array(matching(/^[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$/, "a method in upper case, such as GET")).min(1),
  )
    .optional()
    .describe("Matches these methods only."),
  anonymous: flag().default(false).describe("No token is asked for or looked at."),
  tier: TIER.optional().describe("The tier calls are judged in; the strictest where left out."),
  scopes: allowing("a list of scopes", z.array(SCOPE)).default([]).describe("The token must carry all of them."),
});

/** One item of `scopes`. */
export const SCOPE_BLOCK: z.ZodType<WrittenFile["scopes"][number]> = z.strictObject({
  scope: SCOPE.describe("A scope, or its beginning followed by *."),
  tier: TIER.describe("A token that carries the scope is never judged below this tier."),
});
