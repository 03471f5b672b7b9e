// Walks protobuf's wire format over a buffer: tags, lengths, nested messages, skipping. Knows no message, never
// throws, never reads past the message it is in.

// Wire types (protobuf encoding guide). 6 and 7 do not exist.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** A varint is at most this long: 64 bits in sevens. */
const VARINT_MAX_BYTES = 10;
/** A tag is 32 bits. */
const TAG_MAX_BYTES = 5;
/** As in the reference implementations: deeper nesting of unknown groups is an attack on the stack. */
const GROUP_MAX_DEPTH = 100;

/**
 * A position in a message, and where that message ends. Once damaged, always damaged: every tag after that is the
 * end of the message, so a caller loops to the end and asks once.
 */
export class ProtobufReader {
  readonly bytes: Buffer;
  position: number;
  limit: number;
  damaged: boolean;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.position = 0;
    this.limit = bytes.length;
    this.damaged = false;
  }

  /** The next field's tag (`number << 3 | wire type`); 0 at the end of the message, and where it is damaged. */
  tag(): number {
    if (this.damaged || this.position >= this.limit) return 0;
    const first = this.bytes[this.position] as number;
    if (first < 0x80 && first >= 8) {
      this.position++;
      return first;
    }
    const tag = this.varint(TAG_MAX_BYTES);
    return tag < 8 || tag > 0xffffffff ? this.damage() : tag;
  }

  /** Enters the nested message that begins here. Returns the outer limit, for `leave`. */
  enter(): number {
    const outer = this.limit;
    const length = this.length();
    this.limit = this.position + length;
    return outer;
  }

  /** Goes on behind the nested message. */
  leave(outer: number): void {
    this.position = this.limit;
    this.limit = outer;
  }

  /** A bytes field, one character per byte. */
  latin1(): string {
    const length = this.skipBytes();
    return this.bytes.toString("latin1", this.position - length, this.position);
  }

  /** A string field. Bytes that are not UTF-8 come out as U+FFFD, which equals no configured name. */
  utf8(): string {
    const length = this.skipBytes();
    return this.bytes.toString("utf8", this.position - length, this.position);
  }

  /** Steps over a length-delimited value; returns its length. Afterwards it ends at `position`. */
  skipBytes(): number {
    const length = this.length();
    this.position += length;
    return length;
  }

  /** Steps over a length-delimited value; returns where it starts. Afterwards it ends at `position`. */
  bytesStart(): number {
    const length = this.length();
    this.position += length;
    return this.position - length;
  }

  /** A varint field's value; exact up to 2^53. */
  number(): number {
    return this.varint(VARINT_MAX_BYTES);
  }

  /** A 64-bit float, little-endian; 0 where it is damaged. */
  double(): number {
    const start = this.position;
    this.advance(8);
    return this.damaged ? 0 : this.bytes.readDoubleLE(start);
  }

  /** Steps over the value of a field the caller does not know. */
  skip(tag: number): void {
    if ((tag & 7) === LENGTH_DELIMITED) this.skipBytes();
    else this.skipValue(tag, 0);
  }

  /** Gives the message up: it means nothing. Returns the tag that ends it. */
  damage(): 0 {
    this.damaged = true;
    this.position = this.limit;
    return 0;
  }

  private skipValue(tag: number, depth: number): void {
    switch (tag & 7) {
      case VARINT:
        this.varint(VARINT_MAX_BYTES);
        return;
      case FIXED64:
        this.advance(8);
        return;
      case LENGTH_DELIMITED:
        this.skipBytes();
        return;
      case GROUP_START:
        this.skipGroup(tag >>> 3, depth + 1);
        return;
      case FIXED32:
        this.advance(4);
        return;
      case GROUP_END: // without its start
      default: // a wire type that does not exist
        this.damage();
    }
  }

  private skipGroup(field: number, depth: number): void {
    if (depth > GROUP_MAX_DEPTH) {
      this.damage();
      return;
    }
    for (let tag = this.tag(); tag !== 0; tag = this.tag()) {
      if ((tag & 7) === GROUP_END) {
        if (tag >>> 3 !== field) this.damage();
        return;
      }
      this.skipValue(tag, depth);
    }
    this.damage(); // the message ended inside the group
  }

  private advance(byteCount: number): void {
    if (this.position + byteCount > this.limit) this.damage();
    else this.position += byteCount;
  }

  /** A length that fits into the message it is in; 0 where it is damaged. */
  private length(): number {
    const first = this.position < this.limit ? (this.bytes[this.position] as number) : 0x80;
    if (first < 0x80 && this.position + 1 + first <= this.limit) {
      this.position++;
      return first;
    }
    const length = this.varint(VARINT_MAX_BYTES);
    return this.position + length > this.limit ? this.damage() : length;
  }

  /** Exact up to 2^53; whatever is larger is only ever skipped or refused. 0 where it is damaged. */
  private varint(maxBytes: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; this.position < this.limit; count++) {
      const byte = this.bytes[this.position++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (count === maxBytes) break;
      scale *= 128;
    }
    return this.damage();
  }
}

/** The contents of every length-delimited field of `message` whose tag is `wanted`; undefined where it is damaged. */
export function fieldsIn(message: Buffer, wanted: number): readonly Buffer[] | undefined {
  const reader = new ProtobufReader(message);
  const fields: Buffer[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === wanted) {
      const start = reader.bytesStart();
      fields.push(message.subarray(start, reader.position));
    } else reader.skip(tag);
  }
  return reader.damaged ? undefined : fields;
}
