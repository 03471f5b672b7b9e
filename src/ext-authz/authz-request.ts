// The few things a Check is judged on, as Envoy tells them: untrusted, and read without being believed.

import type { Attestation } from "../token/attested.ts";
import type { AttestedSource } from "./attested-source.ts";
import type { SenderFacts } from "./sender-facts.ts";

/**
 * What Envoy says of one HTTP request. Strings hold one byte per character (latin1) unless said otherwise. Host,
 * authorization and traceparent are read from the request's own bytes: good while those stand still.
 */
export interface AuthzRequest {
  /** As received; empty where Envoy sent none. So are host and path. */
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Every Authorization value there is, in the order received. */
  readonly authorization: readonly Buffer[];
  /** Names, as sent, of headers that a back end may read as one we manage. */
  readonly spoofedNames: readonly string[];
  /** Undefined where there is none, or several. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** Envoy's own word, from context_extensions and route metadata; UTF-8; a value that is no string reads as "". */
  readonly tiers: readonly string[];
  /** Scopes that context_extensions add; UTF-8. */
  readonly scopes: readonly string[];
  /** What Envoy says of tokens that it has verified; undefined: what it says cannot be read. */
  attestations(sources: readonly AttestedSource[]): readonly Attestation[] | undefined;
  /** Of who sends it: read from the bytes once more, for few calls are asked. */
  sender(): SenderFacts;
}
