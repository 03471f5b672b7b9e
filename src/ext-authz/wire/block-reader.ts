// Header blocks to call heads: decodes, checks, and recognises by its bytes the block that came before. Envoy sends the
// same one for every call of a connection while it is not tracing. It knows no streams.

import { NO_CALL_HEAD, readCallHead, type CallHead } from "./call-head.ts";
import { HpackDecoder, type HeaderListener } from "./hpack-decoder.ts";
import { HEADER_TABLE_BYTES, MAX_HEADER_LIST_BYTES } from "./limits.ts";
import { RequestFields } from "./request-fields.ts";

/** `malformed`: a stream error (RFC 9113 §8.1.1); `compression_error`: the connection's (§4.3). */
export type BlockOutcome = "ok" | "malformed" | "list_too_large" | "compression_error";

/** A larger block is not worth a comparison. */
const MAX_KNOWN_BYTES = 1_024;
const NO_BLOCK: Buffer = Buffer.alloc(0);

export class BlockReader {
  /** Of the last request whose block was "ok". */
  head: CallHead;
  private readonly decoder: HpackDecoder;
  private readonly fields: RequestFields;
  private readonly onField: HeaderListener;
  /** A block, what it says, and the state of the decoder's table in which it says so. */
  private knownBlock: Buffer;
  private knownHead: CallHead;
  private knownTableChanges: number;

  constructor() {
    this.head = NO_CALL_HEAD;
    this.decoder = new HpackDecoder({ maxTableBytes: HEADER_TABLE_BYTES, maxListBytes: MAX_HEADER_LIST_BYTES });
    this.fields = new RequestFields();
    this.onField = (name, value) => this.fields.add(name, value);
    this.knownBlock = NO_BLOCK;
    this.knownHead = NO_CALL_HEAD;
    this.knownTableChanges = -1;
  }

  /** The block of a new request. */
  read(bytes: Buffer, from: number, to: number): BlockOutcome {
    if (this.isKnown(bytes, from, to)) {
      this.head = this.knownHead;
      return "ok";
    }
    const changesBefore = this.decoder.tableChanges;
    const outcome = this.decode(bytes, from, to, false);
    if (outcome !== "ok") return outcome;
    this.head = readCallHead(this.fields);
    const leftTableAlone = this.decoder.tableChanges === changesBefore;
    if (leftTableAlone && to - from <= MAX_KNOWN_BYTES) this.remember(bytes, from, to);
    return "ok";
  }

  /** Trailers: nothing in them is of use, but the table has to hear of them, and rules hold for them too. */
  readTrailers(bytes: Buffer, from: number, to: number): BlockOutcome {
    return this.decode(bytes, from, to, true);
  }

  private isKnown(bytes: Buffer, from: number, to: number): boolean {
    const { knownBlock } = this;
    if (knownBlock.length !== to - from || this.knownTableChanges !== this.decoder.tableChanges) return false;
    return bytes.compare(knownBlock, 0, knownBlock.length, from, to) === 0;
  }

  private remember(bytes: Buffer, from: number, to: number): void {
    this.knownBlock = Buffer.from(bytes.subarray(from, to)); // a copy: it outlives what it came with
    this.knownHead = this.head;
    this.knownTableChanges = this.decoder.tableChanges;
  }

  private decode(bytes: Buffer, from: number, to: number, isTrailers: boolean): BlockOutcome {
    const { fields } = this;
    fields.begin(isTrailers);
    const outcome = this.decoder.decode(bytes.subarray(from, to), this.onField);
    if (outcome === "compression_error") return outcome;
    fields.end();
    // Of a list that was cut off, the fields that are missing may be those that could have made it well-formed.
    if (outcome === "list_too_large") return outcome;
    return fields.isMalformed ? "malformed" : "ok";
  }
}
