// HPACK as a loader needs it (RFC 7541): blocks of constant fields out, as Envoy writes them; all fields in.
// It never Huffman-codes what it sends.
import { decodeHuffman } from "./huffman.ts";

/** RFC 7541 Appendix A, indices 1 to 61; `name=value` where the entry has a value. */
const STATIC_TABLE = (
  ":authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 " +
  ":status=206 :status=304 :status=400 :status=404 :status=500 accept-charset accept-encoding=gzip,_deflate " +
  "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control " +
  "content-disposition content-encoding content-language content-length content-location content-range content-type " +
  "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since " +
  "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after " +
  "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate"
)
  .split(" ")
  .map((entry): Field => {
    const [name = "", value = ""] = entry.split("=");
    return { name, value: value.replace("_", " ") };
  });

/** RFC 7541 §4.1. */
const ENTRY_OVERHEAD_BYTES = 32;
const DEFAULT_TABLE_BYTES = 4096;

export interface Field {
  readonly name: string;
  readonly value: string;
}

/** How a field is sent: `indexed` goes into the other side's table on first use, the others are spelt out each time. */
export interface SentField extends Field {
  readonly as: "indexed" | "literal" | "secret";
}

/**
 * The two blocks that carry the same fields: the first of a connection, which fills the other side's table, and every
 * later one, which points into it. They hold as long as nothing else is indexed on that connection.
 */
export function encodeBlocks(fields: readonly SentField[]): { readonly first: Buffer; readonly later: Buffer } {
  const added = fields.filter((field) => field.as === "indexed" && staticIndex(field) === 0);
  const first: Buffer[] = [];
  const later: Buffer[] = [];
  for (const field of fields) {
    const known = staticIndex(field);
    if (known > 0) {
      first.push(integer(known, 7, 0x80));
      later.push(integer(known, 7, 0x80));
    } else if (field.as === "indexed") {
      first.push(literal(field, 6, 0x40));
      // The newest entry is the first one behind the static table.
      later.push(integer(STATIC_TABLE.length + added.length - added.indexOf(field), 7, 0x80));
    } else {
      const spelt = literal(field, 4, field.as === "secret" ? 0x10 : 0);
      first.push(spelt);
      later.push(spelt);
    }
  }
  return { first: Buffer.concat(first), later: Buffer.concat(later) };
}

function staticIndex(field: Field): number {
  return STATIC_TABLE.findIndex(({ name, value }) => name === field.name && value !== "" && value === field.value) + 1;
}

function literal(field: Field, prefixBits: number, pattern: number): Buffer {
  const nameIndex = STATIC_TABLE.findIndex(({ name }) => name === field.name) + 1;
  const name = nameIndex > 0 ? [integer(nameIndex, prefixBits, pattern)] : [Buffer.of(pattern), plain(field.name)];
  return Buffer.concat([...name, plain(field.value)]);
}

function plain(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([integer(bytes.length, 7, 0), bytes]);
}

function integer(value: number, prefixBits: number, pattern: number): Buffer {
  const full = 2 ** prefixBits - 1;
  if (value < full) return Buffer.of(pattern | value);
  const bytes = [pattern | full];
  let rest = value - full;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** Decodes the blocks of one direction of one connection, in their order. Throws on a block that is not HPACK. */
export class HpackDecoder {
  /** Newest first. */
  readonly #dynamic: Field[] = [];
  #tableBytes = 0;
  #limitBytes = DEFAULT_TABLE_BYTES;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Calls `seen` for each field of the block. */
  decode(block: Buffer, seen: (name: string, value: string) => void): void {
    this.#block = block;
    this.#at = 0;
    while (this.#at < block.length) {
      const byte = block[this.#at] as number;
      if (byte >= 0x80) {
        const field = this.#entry(this.#integer(7));
        seen(field.name, field.value);
      } else if (byte >= 0x40) {
        const field = this.#literal(6);
        this.#add(field);
        seen(field.name, field.value);
      } else if (byte >= 0x20) {
        this.#limitBytes = this.#integer(5);
        this.#evict();
      } else {
        const field = this.#literal(4);
        seen(field.name, field.value);
      }
    }
  }

  #literal(prefixBits: number): Field {
    const nameIndex = this.#integer(prefixBits);
    const name = nameIndex === 0 ? this.#text() : this.#entry(nameIndex).name;
    return { name, value: this.#text() };
  }

  #text(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error("HPACK: a string runs over the end of its block");
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString("latin1");
  }

  #integer(prefixBits: number): number {
    const full = 2 ** prefixBits - 1;
    let value = this.#byte() & full;
    if (value < full) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new Error("HPACK: a field runs over the end of its block");
    this.#at += 1;
    return byte;
  }

  #entry(index: number): Field {
    const field = STATIC_TABLE[index - 1] ?? this.#dynamic[index - 1 - STATIC_TABLE.length];
    if (field === undefined) throw new Error(`HPACK: no entry ${index}`);
    return field;
  }

  #add(field: Field): void {
    this.#dynamic.unshift(field);
    this.#tableBytes += entryBytes(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#limitBytes) {
      const oldest = this.#dynamic.pop();
      if (oldest === undefined) return;
      this.#tableBytes -= entryBytes(oldest);
    }
  }
}

function entryBytes(field: Field): number {
  return field.name.length + field.value.length + ENTRY_OVERHEAD_BYTES;
}
