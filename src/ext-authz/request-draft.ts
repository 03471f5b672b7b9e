// An AuthzRequest while it is read, and how much of it is kept. It judges nothing that it keeps.

import type { Attestation } from "../token/attested.ts";
import { attestationsIn } from "./attestation.ts";
import type { AttestedSource } from "./attested-source.ts";
import type { AuthzRequest } from "./authz-request.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import { readSenderFacts, type SenderFacts } from "./sender-facts.ts";

/** So many headers Envoy itself lets in unless told otherwise (HttpProtocolOptions.max_headers_count). */
const MAX_KEPT = 100;

/** What most requests have of most things: shared, so never written to. */
const NONE: readonly never[] = [];

/** What few policies ask for is remembered as a place in the bytes, and read when asked for. */
export class RequestDraft implements AuthzRequest {
  readonly bytes: Buffer;
  method = "";
  path = "";
  authorization: readonly Buffer[] = NONE;
  spoofedNames: readonly string[] = NONE;
  tracestate: string | undefined = undefined;
  tiers: readonly string[] = NONE;
  scopes: readonly string[] = NONE;
  hasHttp = false;
  traceparentCount = 0;
  traceparentStart = 0;
  traceparentEnd = 0;
  hostStart = 0;
  hostEnd = 0;
  /** Values and names kept so far, repeated ones too. */
  keptCount = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get host(): string {
    return this.bytes.toString("latin1", this.hostStart, this.hostEnd);
  }

  get traceparent(): string | undefined {
    if (this.traceparentCount !== 1) return undefined;
    return this.bytes.toString("latin1", this.traceparentStart, this.traceparentEnd);
  }

  attestations(sources: readonly AttestedSource[]): readonly Attestation[] | undefined {
    return attestationsIn(this.bytes, sources);
  }

  sender(): SenderFacts {
    return readSenderFacts(this.bytes);
  }

  /**
   * Whether one more value may be kept. The one too many damages the message: a name that was left out would not be
   * removed, and a list without end would hold the loop up for everybody.
   */
  mayKeep(reader: ProtobufReader): boolean {
    if (this.keptCount < MAX_KEPT) {
      this.keptCount++;
      return true;
    }
    reader.damage();
    return false;
  }
}
