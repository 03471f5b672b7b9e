// Reads header blocks (RFC 7541): one decoder for all blocks that one side of one connection sends, in their order. It
// bounds what a block may cost and judges no header: neither names nor values nor their order.
import { DynamicTable, FIELD_OVERHEAD_BYTES, INITIAL_TABLE_BYTES } from "./hpack-dynamic-table.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import { STATIC_TABLE } from "./hpack-static-table.ts";

const STATIC_NAMES = STATIC_TABLE.map(({ name }) => name);
const STATIC_VALUES = STATIC_TABLE.map(({ value }) => value);

/** What an integer may take behind its first byte: 35 bits, more than any index, length or size that can be right. */
const INTEGER_MAX_FURTHER_BYTES = 5;
/** Returned in place of an integer or a length where the block is damaged. */
const DAMAGED = -1;

/** Where Huffman-coded strings are unpacked before they become text: shared, for no decoding is ever interrupted. */
let scratch: Buffer = Buffer.alloc(0);

export interface HpackLimits {
  /** Our SETTINGS_HEADER_TABLE_SIZE; not below the initial 4,096, which a peer may use before it reads our settings. */
  readonly maxTableBytes: number;
  /** Our SETTINGS_MAX_HEADER_LIST_SIZE: names, values and 32 for each field (RFC 9113 §10.5.1). */
  readonly maxListBytes: number;
}

/** `list_too_large`: decoded to its end for the table's sake, but what is beyond the bound was not handed out. */
export type HpackOutcome = "ok" | "list_too_large" | "compression_error";

export type HeaderListener = (name: string, value: string) => void;

export class HpackDecoder {
  readonly #limits: HpackLimits;
  readonly #table: DynamicTable;
  #block: Buffer = scratch;
  #at = 0;
  #listBytes = 0;
  /** Of the block being read: nothing but changes of size so far. */
  #isAtStart = true;
  /** The text of the string last read; empty where it was too long to matter. */
  #text = "";

  constructor(limits: HpackLimits) {
    if (limits.maxTableBytes < INITIAL_TABLE_BYTES) throw new RangeError("a header table begins with 4096 bytes");
    this.#limits = limits;
    this.#table = new DynamicTable(limits.maxTableBytes);
    const longestBytes = Math.max(limits.maxListBytes, limits.maxTableBytes);
    if (scratch.length < longestBytes) scratch = Buffer.allocUnsafeSlow(longestBytes);
  }

  /** Grows with each change of the dynamic table. A block that left it as it was means the same until it grows. */
  get tableChanges(): number {
    return this.#table.changes;
  }

  /**
   * Decodes one complete header block. Headers are bytes: each character of a name or value is one (latin1). After
   * `compression_error` the table is no longer what the other side believes: the connection must end (RFC 9113 §4.3).
   */
  decode(block: Buffer, onHeader: HeaderListener): HpackOutcome {
    this.#block = block;
    this.#at = 0;
    this.#listBytes = 0;
    this.#isAtStart = true;
    let isWhole = true;
    while (isWhole && this.#at < block.length) isWhole = this.#representation(block[this.#at] as number, onHeader);
    this.#block = scratch; // keeps nothing of the caller's alive
    this.#text = "";
    if (isWhole) return this.#listBytes > this.#limits.maxListBytes ? "list_too_large" : "ok";
    return "compression_error";
  }

  /** One of §6, which begins with `byte`. False: damaged. */
  #representation(byte: number, onHeader: HeaderListener): boolean {
    if ((byte & 0xe0) === 0x20) return this.#sizeUpdate();
    this.#isAtStart = false;
    if (byte >= 0x80) return this.#indexed(onHeader);
    // Without indexing, or never to be indexed: the difference is for those who encode it again.
    return byte >= 0x40 ? this.#literal(6, true, onHeader) : this.#literal(4, false, onHeader);
  }

  /** §6.3; it comes before the first field of a block (§4.2). */
  #sizeUpdate(): boolean {
    const bytes = this.#integer(5);
    if (!this.#isAtStart || bytes === DAMAGED || bytes > this.#limits.maxTableBytes) return false;
    this.#table.resize(bytes);
    return true;
  }

  /** §6.1 */
  #indexed(onHeader: HeaderListener): boolean {
    const index = this.#integer(7);
    if (!this.#isEntry(index)) return false;
    const entry = index - STATIC_NAMES.length;
    const name = this.#nameAt(index);
    const value = entry > 0 ? this.#table.valueOf(entry) : (STATIC_VALUES[index - 1] as string);
    this.#handOut(name, value, name.length + value.length, onHeader);
    return true;
  }

  /** §6.2. What fits neither into the list nor into the table is read past, without making text of it. */
  #literal(prefixBits: number, isAdded: boolean, onHeader: HeaderListener): boolean {
    const index = this.#integer(prefixBits);
    if (index !== 0 && !this.#isEntry(index)) return false;
    const listRoom = this.#limits.maxListBytes - this.#listBytes;
    const room = (isAdded ? Math.max(listRoom, this.#table.limitBytes) : listRoom) - FIELD_OVERHEAD_BYTES;
    let name = "";
    let nameBytes = 0;
    if (index === 0) {
      nameBytes = this.#string(room);
      if (nameBytes === DAMAGED) return false;
      name = this.#text;
    } else {
      name = this.#nameAt(index);
      nameBytes = name.length;
    }
    const valueBytes = this.#string(room - nameBytes);
    if (valueBytes === DAMAGED) return false;
    if (isAdded) this.#table.add(name, this.#text, nameBytes + valueBytes);
    this.#handOut(name, this.#text, nameBytes + valueBytes, onHeader);
    return true;
  }

  #handOut(name: string, value: string, nameAndValueBytes: number, onHeader: HeaderListener): void {
    this.#listBytes += nameAndValueBytes + FIELD_OVERHEAD_BYTES;
    if (this.#listBytes <= this.#limits.maxListBytes) onHeader(name, value);
  }

  /** §2.3.3: 0 and what is behind the last entry are nothing. */
  #isEntry(index: number): boolean {
    return index > 0 && index <= STATIC_NAMES.length + this.#table.count;
  }

  #nameAt(index: number): string {
    const entry = index - STATIC_NAMES.length;
    if (entry <= 0) return STATIC_NAMES[index - 1] as string;
    return this.#table.nameOf(entry);
  }

  /** §5.2. Returns its length once decoded; its text is in `#text`, unless it is longer than `room` bytes. */
  #string(room: number): number {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const codedBytes = this.#integer(7);
    const start = this.#at;
    const end = start + codedBytes;
    this.#text = "";
    if (codedBytes === DAMAGED || end > this.#block.length) return DAMAGED;
    this.#at = end;
    if (!isHuffman) {
      if (codedBytes <= room) this.#text = this.#block.toString("latin1", start, end);
      return codedBytes;
    }
    const bytes = decodeHuffman(this.#block, start, end, scratch);
    if (bytes > 0 && bytes <= room) this.#text = scratch.toString("latin1", 0, bytes);
    return bytes;
  }

  /** §5.1. */
  #integer(prefixBits: number): number {
    const full = (1 << prefixBits) - 1;
    const first = this.#block[this.#at];
    if (first === undefined) return DAMAGED;
    this.#at += 1;
    let value = first & full;
    if (value < full) return value;
    for (let count = 0, factor = 1; count < INTEGER_MAX_FURTHER_BYTES; count += 1, factor *= 128) {
      const byte = this.#block[this.#at];
      if (byte === undefined) return DAMAGED;
      this.#at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return DAMAGED;
  }
}
