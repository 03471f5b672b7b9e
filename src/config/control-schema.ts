// The schema of the control block: who may call the control API, and where it is.

import { z } from "zod";
import { CONTROL_SCOPES } from "../core/control-scope.ts";
import { TARGET_KINDS, type TargetKind } from "../core/target.ts";
import { CONTROL } from "./defaults.ts";
import { FILE_PATH, allowing, count, duration, hidden, httpUrl, matching, oneOf, text } from "./fields.ts";
import { ISSUER_ID, NAME } from "./names.ts";
import { TLS_BLOCK } from "./tls-schema.ts";
import { HOUR_MS } from "./units.ts";
import type { WrittenControl } from "./written.ts";

/** `control`. */
export const CONTROL_BLOCK: z.ZodType<WrittenControl> = z.strictObject({
  url: httpUrl()
    .optional()
    .describe(
      "Where the control API is found, for sidecars that report, and for the relay; that of listen.control where left out.",
    ),
  issuer: ISSUER_ID.optional().describe(
    "Whose access tokens may call the API, by their scopes; the issuer main, or the only one, where left out.",
  ),
  audience: text(1_024, "an audience")
    .default(CONTROL.audience)
    .describe("Their audience; it may be no guarded API's audience."),
  tokens: allowing(
    "a list of tokens",
    z.array(
      z.strictObject({
        name: NAME.describe("Stands as the revoker's name."),
        sha256: hidden(matching(/^[0-9a-fA-F]{64}$/, "the 64 hex digits of the token's SHA-256")).describe(
          "Of a token of at least 32 random bytes.",
        ),
        scopes: allowing("a list of scopes", z.array(oneOf(CONTROL_SCOPES)).min(1)).describe("What the token may do."),
      }),
    ),
  )
    .default([])
    .describe("Bootstrap tokens, by their hashes."),
  tls: TLS_BLOCK.optional().describe(
    "The control API over TLS, and clientCaFile beside a token; plain HTTP where left out. Changed files are taken up by themselves.",
  ),
  audit: z
    .strictObject({
      keep: duration(HOUR_MS, 10 * 365 * 24 * HOUR_MS)
        .default(CONTROL.audit.keep)
        .describe("Older entries are dropped."),
      maxEntries: count(1_000, 10_000_000)
        .default(CONTROL.audit.maxEntries)
        .describe("Of all control planes on the store together; the oldest make room."),
      secretFile: text(4_096, FILE_PATH)
        .optional()
        .describe(
          "A file that holds the secret the trail is signed with, the same for all control planes; where left out one is made and kept in the store.",
        ),
    })
    .prefault({})
    .describe("The audit trail."),
  reportToken: hidden(text(4_096, "a token"))
    .optional()
    .describe(
      "A token with the scope portcullis:sidecar, with which the sidecar reports to url, and with feed.type relay is told and asks there; left out: PORTCULLIS_TOKEN of the environment, as of commands; without either it does not report.",
    ),
  reportTokenFile: text(4_096, "a path, relative to this file").optional().describe("A file that holds reportToken."),
  secondPerson: allowing("a list of kinds", z.array(oneOf(TARGET_KINDS as readonly [TargetKind, ...TargetKind[]])))
    .default([])
    .describe("Kinds that need another admin's approval: asked for through the API, they wait for it for an hour."),
});
