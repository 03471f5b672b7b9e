// What the rules must know of the sidecar that the Envoy asks. It reads no file.

export interface SidecarFacts {
  /** Names that Portcullis sets or removes on each allow, in lower case. */
  readonly managedHeaders: readonly string[];
  /** Names that it must see: those, spellings that a back end takes for them, and credentials. */
  readonly watchedHeaders: readonly string[];
  /** Of a whole Check. */
  readonly deadlineMs: number;
  readonly maxInFlightCount: number;
}

/** Removed from every allowed request, for rules look at the method. */
const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

export function sidecarFacts(
  identityHeaders: readonly string[],
  deadlineMs: number,
  maxInFlightCount: number,
): SidecarFacts {
  const managedHeaders = [...identityHeaders.map((name) => name.toLowerCase()), "x-auth-assurance"];
  const looksAlike = managedHeaders.flatMap((name) => [name.replaceAll("-", "_"), name.replaceAll("-", ".")]);
  return {
    managedHeaders,
    watchedHeaders: ["authorization", ...managedHeaders, ...looksAlike, ...METHOD_OVERRIDES],
    deadlineMs,
    maxInFlightCount,
  };
}
