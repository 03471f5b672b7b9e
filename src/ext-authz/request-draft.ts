// An AuthzRequest while it is read, and how much of it is kept. It judges nothing that it keeps.

import type { AuthzRequest } from "./authz-request.ts";
import type { WireReader } from "./wire-reader.ts";

export interface RequestDraft extends AuthzRequest {
  method: string;
  host: string;
  path: string;
  readonly authorization: string[];
  readonly spoofedNames: string[];
  traceparent: string | undefined;
  tracestate: string | undefined;
  readonly tiers: string[];
  readonly scopes: string[];
  hasHttp: boolean;
  traceparentCount: number;
  /** Values and names kept so far, repeated ones too. */
  keptCount: number;
}

/** So many headers Envoy itself lets in unless told otherwise (HttpProtocolOptions.max_headers_count). */
const MAX_KEPT = 100;

export function emptyDraft(): RequestDraft {
  return {
    method: "",
    host: "",
    path: "",
    authorization: [],
    spoofedNames: [],
    traceparent: undefined,
    tracestate: undefined,
    tiers: [],
    scopes: [],
    hasHttp: false,
    traceparentCount: 0,
    keptCount: 0,
  };
}

/**
 * Whether one more value may be kept. The one too many damages the message: a name that was left out would not be
 * removed, and a list without end would hold the loop up for everybody.
 */
export function mayKeep(draft: RequestDraft, reader: WireReader): boolean {
  if (draft.keptCount < MAX_KEPT) {
    draft.keptCount++;
    return true;
  }
  reader.damage();
  return false;
}
