// The schema of the ingress block: which of others' standards may revoke here, and whose word is taken for it.

import { z } from "zod";
import { ALGORITHMS } from "../core/algorithm.ts";
import { INGRESS, ISSUER } from "./defaults.ts";
import { FILE_PATH, allowing, duration, flag, httpUrl, oneOf, text } from "./fields.ts";
import { ISSUER_ID } from "./names.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./units.ts";
import type { WrittenIngress } from "./written.ts";

/** Formats of RFC 9493 §3.2 whose value may be an issuer's `sub`; iss_sub and opaque always are. */
const SUBJECT_FORMATS = ["account", "did", "email", "phone_number", "uri"] as const;

const AUDIENCES = allowing("a list of audiences", z.array(text(1_024, "an audience")).min(1));

const logout = z.strictObject({
  issuer: ISSUER_ID.describe("Id of the issuer whose logout tokens are heeded; they end its own sessions."),
  audiences: AUDIENCES.describe("As whom it addresses them: client ids. A token for anyone else beside is refused."),
});

const ENDPOINT = {
  allowHttp: flag().default(false).describe("Plain http for the URL written here."),
  bearerFile: text(4_096, FILE_PATH).describe("A file that holds the bearer token it asks for."),
};

const poll = z.strictObject({
  url: httpUrl().describe("The stream's endpoint_url. https, except on loopback or with allowHttp."),
  ...ENDPOINT,
  longPoll: flag()
    .default(INGRESS.poll.longPoll)
    .describe("The transmitter answers when it has something; false: it is asked to answer at once."),
  every: duration(SECOND_MS, HOUR_MS)
    .default(INGRESS.poll.every)
    .describe("Between the beginnings of two polls that find nothing new."),
});

const verification = z.strictObject({
  url: httpUrl().describe("The transmitter's verification_endpoint. https, except on loopback or with allowHttp."),
  ...ENDPOINT,
  streamId: text(1_024, "a stream's id").describe("The stream_id that the transmitter gave the stream."),
  every: duration(SECOND_MS, 24 * HOUR_MS)
    .default(INGRESS.verification.every)
    .describe("How often it is asked; not below the stream's min_verification_interval."),
});

const ssf = z.strictObject({
  id: ISSUER_ID.describe("Short name of the transmitter in the audit trail and metrics."),
  issuer: text(1_024, "the event token's iss, byte for byte").describe("Equals the event tokens' iss byte for byte."),
  jwks: allowing(
    "a block with exactly one of url and file",
    z.strictObject({
      url: httpUrl().optional().describe("Where the key set is. https, except on loopback or with allowHttp."),
      file: text(4_096, FILE_PATH).optional().describe("A file that holds the key set."),
      allowHttp: flag().default(false).describe("Plain http for the URL written here."),
    }),
  ).describe("Where the transmitter's keys are: exactly one of url and file."),
  audiences: AUDIENCES.describe("One of them must be in the event token's aud."),
  algorithms: allowing(`a list of ${ALGORITHMS.join(", ")}`, z.array(oneOf(ALGORITHMS)).min(1))
    .default(ISSUER.algorithms)
    .describe("The allow-list of signature algorithms."),
  clockSkew: duration(0, 10 * MINUTE_MS)
    .default(ISSUER.clockSkew)
    .describe("How far the transmitter's clock may differ from ours."),
  revokes: ISSUER_ID.optional().describe(
    "Id of the issuer whose users, sessions and tokens it speaks of; may be left out where there is only one.",
  ),
  poll: poll
    .optional()
    .describe("Control planes fetch its events there (RFC 8936); then none of them are taken when pushed."),
  verification: verification
    .optional()
    .describe("Control planes ask it now and then to prove that the stream reaches them (Shared Signals 1.0 §8.1.4)."),
});

/** `ingress`. */
export const INGRESS_BLOCK: z.ZodType<WrittenIngress> = z.strictObject({
  oauthRevoke: flag()
    .default(INGRESS.oauthRevoke)
    .describe(
      "POST /oauth/revoke (RFC 7009): who holds a good token may revoke it, and a bearer with portcullis:revoke any.",
    ),
  backchannelLogout: allowing("a list of issuers with their audiences", z.array(logout))
    .default([])
    .describe("POST /backchannel-logout (OpenID Connect Back-Channel Logout 1.0); closed where the list is empty."),
  ssf: allowing("a list of transmitters", z.array(ssf))
    .default([])
    .describe(
      "Transmitters of Shared Signals. Those without poll may push to POST /ssf/events (RFC 8935), which is closed where there is none.",
    ),
  globalTokenRevocation: flag()
    .default(INGRESS.globalTokenRevocation)
    .describe("POST /global-token-revocation, for callers with portcullis:revoke."),
  subjectFormats: allowing(`a list of ${SUBJECT_FORMATS.join(", ")}`, z.array(oneOf(SUBJECT_FORMATS)))
    .default([])
    .describe("Formats of subject identifiers (RFC 9493) that name users by their sub, beside iss_sub and opaque."),
});
