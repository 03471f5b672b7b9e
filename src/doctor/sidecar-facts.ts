// What the rules must know of the sidecar that the Envoy asks. It reads no file.

import type { Endpoint } from "./endpoints.ts";

export interface SidecarFacts {
  /** Names that Portcullis sets or removes on each allow, in lower case. */
  readonly managedHeaders: readonly string[];
  /** Names that it must see: those, spellings that a back end takes for them, and credentials. */
  readonly watchedHeaders: readonly string[];
  /** Of a whole Check. */
  readonly deadlineMs: number;
  /** Of all workers together. */
  readonly maxInFlightCount: number;
  readonly workerCount: number;
  /** Where it answers; empty: nobody knows. */
  readonly addresses: readonly Endpoint[];
  /** Some issuer's tokens must be, or may have to be, bound to client certificates. */
  readonly certificates: "required" | "unknown";
  /** Where Envoy must tell of tokens that it has verified. */
  readonly metadataNamespaces: readonly string[];
}

export interface TokenNeeds extends Pick<SidecarFacts, "certificates" | "metadataNamespaces"> {
  /** Some issuer's tokens must come with a proof in a header of its own. */
  readonly proofs: boolean;
}

/** How many threads answer, and where. */
export type Answering = Pick<SidecarFacts, "workerCount" | "addresses">;

const UNKNOWN_ADDRESSES: Answering = { workerCount: 1, addresses: [] };
const NO_NEEDS: TokenNeeds = { certificates: "unknown", metadataNamespaces: [], proofs: false };

/** Removed from every allowed request, for rules look at the method. */
const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

export function sidecarFacts(
  identityHeaders: readonly string[],
  deadlineMs: number,
  maxInFlightEachCount: number,
  { proofs, ...needs }: TokenNeeds = NO_NEEDS,
  { workerCount, addresses }: Answering = UNKNOWN_ADDRESSES,
): SidecarFacts {
  const managedHeaders = [...identityHeaders.map((name) => name.toLowerCase()), "x-auth-assurance"];
  const looksAlike = managedHeaders.flatMap((name) => [name.replaceAll("-", "_"), name.replaceAll("-", ".")]);
  return {
    managedHeaders,
    watchedHeaders: [
      "authorization",
      ...(proofs ? ["dpop"] : []),
      ...managedHeaders,
      ...looksAlike,
      ...METHOD_OVERRIDES,
    ],
    deadlineMs,
    maxInFlightCount: workerCount * maxInFlightEachCount,
    workerCount,
    addresses,
    ...needs,
  };
}
