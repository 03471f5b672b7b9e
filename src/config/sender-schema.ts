// The schema of what concerns tokens that are bound to their sender, and tokens that Envoy verifies.

import { z } from "zod";
import { ALGORITHMS } from "../core/algorithm.ts";
import { DPOP, ENVOY_METADATA } from "./defaults.ts";
import { FILE_PATH, allowing, count, duration, oneOf, text } from "./fields.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";
import type { WrittenDpop, WrittenEnvoyMetadata } from "./written.ts";

/** `dpop`. */
export const DPOP_BLOCK: z.ZodType<WrittenDpop> = z.strictObject({
  algorithms: allowing(`a list of ${ALGORITHMS.join(", ")}`, z.array(oneOf(ALGORITHMS)).min(1))
    .default(DPOP.algorithms)
    .describe("The allow-list of algorithms that proofs are signed with."),
  maxAge: duration(SECOND_MS, 10 * MINUTE_MS)
    .default(DPOP.maxAge)
    .describe("Older proofs are refused, by their iat; for so long each is remembered."),
  clockSkew: duration(0, 5 * MINUTE_MS)
    .default(DPOP.clockSkew)
    .describe("How far a client's clock may differ from ours."),
  scheme: oneOf(["asSeen", "https"])
    .default(DPOP.scheme)
    .describe("The scheme that proofs name: as Envoy saw the request, or https where TLS ends before Envoy."),
  nonces: oneOf(["off", "required"])
    .default(DPOP.nonces)
    .describe("required: proofs need a nonce of ours, which clients get with a first refusal (use_dpop_nonce)."),
  nonceSecretFile: text(4_096, FILE_PATH)
    .optional()
    .describe("A file with a secret that all sidecars share, so that each takes the others' nonces; else none does."),
  maxRemembered: count(1_000, 50_000_000)
    .default(DPOP.maxRemembered)
    .describe("Proofs remembered against a second use; beyond: 503, for none is forgotten early."),
});

/** `jwks.envoy` of an issuer whose tokens Envoy verifies. */
export const ENVOY_METADATA_BLOCK: z.ZodType<WrittenEnvoyMetadata> = z.strictObject({
  namespace: text(256, "a metadata namespace")
    .default(ENVOY_METADATA.namespace)
    .describe("Where Envoy's filter puts it, listed in ext_authz's metadata_context_namespaces."),
  payload: text(256, "a key of that namespace")
    .default(ENVOY_METADATA.payload)
    .describe("payload_in_metadata of the provider in jwt_authn."),
  header: text(256, "a key of that namespace")
    .optional()
    .describe("header_in_metadata of that provider; without it nobody knows the key that signed."),
});
