// The names that several blocks of the file hold, each with its alphabet. It knows no key of the file.

import type { z } from "zod";
import { matching, text } from "./fields.ts";

export const CLAIM: z.ZodString = text(128, "the name of a claim");

/** RFC 6749 §3.3 scope-token. */
export const SCOPE: z.ZodString = matching(
  /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/,
  "a scope: visible ASCII without quotes, spaces and backslashes",
);

/** Begins with a letter, so that no name looks like a list index, whose order objects do not keep. */
export const TIER: z.ZodString = matching(
  /^[A-Za-z][A-Za-z0-9._-]{0,63}$/,
  "a tier's name: a letter, then letters, digits, . _ -, at most 64",
);

/** Of a rule or a token; without `/`, so that it is never taken for `<issuer id>/<subject>`. */
export const NAME: z.ZodString = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "a name of letters, digits, . _ -, at most 64",
);

export const ISSUER_ID: z.ZodString = matching(/^[a-z0-9-]{1,32}$/, "1 to 32 of a-z, 0-9 and -");
