// The schema of one issuer: how it is known, where its keys are, what its tokens look like.

import { z } from "zod";
import { ALGORITHMS } from "../core/algorithm.ts";
import { CLAIMS, ISSUER } from "./defaults.ts";
import { FILE_PATH, allowing, duration, flag, httpUrl, oneOf, text } from "./fields.ts";
import { CLAIM, ISSUER_ID } from "./names.ts";
import { ENVOY_METADATA_BLOCK } from "./sender-schema.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./units.ts";
import type { WrittenIssuer } from "./written.ts";

const jwks = z.strictObject({
  url: httpUrl().optional().describe("Where the key set is. https, except on loopback or with allowHttp."),
  file: text(4_096, "a path, relative to this file").optional().describe("A file that holds the key set."),
  discovery: allowing("true, or leave it out", z.literal(true))
    .optional()
    .describe("Find the key set by the issuer's metadata document (RFC 8414, OpenID Connect Discovery)."),
  envoy: ENVOY_METADATA_BLOCK.optional().describe(
    "Envoy has them: its jwt_authn filter verifies the tokens and tells of them in metadata. No header is believed.",
  ),
  allowHttp: flag().default(false).describe("Plain http for the URL written here; never for one found in a document."),
});

const introspection = z.strictObject({
  url: httpUrl().describe("The issuer's introspection endpoint. https, except on loopback or with allowHttp."),
  allowHttp: flag().default(false).describe("Plain http for the URL written here."),
  clientId: text(1_024, "a client id").describe("As whom we ask, by HTTP Basic."),
  clientSecretFile: text(4_096, FILE_PATH).describe("A file that holds the client's secret."),
  prefix: allowing("at most 64 of the characters of a token", z.string().regex(/^[A-Za-z0-9._~+/-]{0,64}$/))
    .default("")
    .describe("What its opaque tokens begin with, where several issuers are asked; the longest that fits counts."),
  timeout: duration(10, 10 * SECOND_MS)
    .default(ISSUER.introspectionTimeout)
    .describe("Of one question; a Check's deadline ends it for that Check."),
});

const statusLists = z.strictObject({
  uris: allowing(
    "a list of https URLs, those that end with / for all below them",
    z.array(httpUrl()).min(1).max(64),
  ).describe("Where its status lists are: a token that names another place is refused."),
  maxStaleness: duration(SECOND_MS, 168 * HOUR_MS).describe(
    "How old a list may be, by its own iat, in every tier; beyond it the list is out, and the tier decides.",
  ),
  privateAddresses: flag()
    .default(false)
    .describe(
      "Their names may lead to addresses that are not of the public internet; loopback written here may anyway.",
    ),
});

/** One item of `issuers`. */
export const ISSUER_BLOCK: z.ZodType<WrittenIssuer> = z.strictObject({
  issuer: text(1_024, "the token's iss, byte for byte").describe("Equals the token's iss byte for byte."),
  id: ISSUER_ID.optional().describe(
    `Short name in keys, metrics and the API; "${ISSUER.id}" where there is only one issuer.`,
  ),
  jwks: allowing("a block with exactly one of url, file and discovery", jwks).describe(
    "Where the issuer's keys are: exactly one of url, file, discovery; or envoy, which then verifies.",
  ),
  senderConstraint: oneOf(["ifBound", "dpop", "mtls", "either", "ignore"])
    .default(ISSUER.senderConstraint)
    .describe(
      "ifBound: a token with cnf needs its DPoP proof or client certificate. dpop, mtls, either: every token does. ignore: none does.",
    ),
  audiences: allowing("a list of audiences", z.array(text(1_024, "an audience")).min(1))
    .optional()
    .describe("One of them must be in the token's aud. Required unless anyAudience is true."),
  anyAudience: flag().default(false).describe("Accept whatever audience the issuer's tokens are for."),
  algorithms: allowing(`a list of ${ALGORITHMS.join(", ")}`, z.array(oneOf(ALGORITHMS)).min(1))
    .default(ISSUER.algorithms)
    .describe("The allow-list of signature algorithms."),
  profile: oneOf(["at+jwt", "jwt"])
    .default(ISSUER.profile)
    .describe(
      "at+jwt: typed access tokens (RFC 9068). jwt: typ JWT or absent; ID, logout and event tokens are refused.",
    ),
  clockSkew: duration(0, 10 * MINUTE_MS)
    .default(ISSUER.clockSkew)
    .describe("How far the issuer's clock may differ from ours."),
  maxLifetime: duration(SECOND_MS, 8_760 * HOUR_MS)
    .default(ISSUER.maxLifetime)
    .describe("exp - iat above it is refused: a revocation marker must outlive every token it kills."),
  introspection: introspection
    .optional()
    .describe("Ask the issuer about opaque tokens (RFC 7662); left out: they are refused as malformed."),
  statusLists: statusLists
    .optional()
    .describe("Judge tokens by status.status_list (Token Status List) too; left out: it is not looked at."),
  requireJti: flag()
    .default(ISSUER.requireJti)
    .describe("false: tokens without jti are accepted; they can be revoked by session, user and so on only."),
  claims: z
    .strictObject({
      session: CLAIM.default(CLAIMS.session).describe("The claim that holds the session."),
      tenant: CLAIM.default(CLAIMS.tenant).describe("The claim that holds the tenant."),
      client: CLAIM.default(CLAIMS.client).describe("The claim that holds the client."),
      scope: CLAIM.default(CLAIMS.scope).describe("The claim that holds the scopes."),
    })
    .prefault({})
    .describe("Names of the claims that RFC 7519 has no name for."),
});
