// The schema of the ingress block: which of others' standards may revoke here, and whose word is taken for it.

import { z } from "zod";
import { INGRESS } from "./defaults.ts";
import { flag } from "./fields.ts";
import type { WrittenIngress } from "./written.ts";

/** `ingress`. */
export const INGRESS_BLOCK: z.ZodType<WrittenIngress> = z.strictObject({
  oauthRevoke: flag()
    .default(INGRESS.oauthRevoke)
    .describe(
      "POST /oauth/revoke (RFC 7009): who holds a good token may revoke it, and a bearer with portcullis:revoke any.",
    ),
});
