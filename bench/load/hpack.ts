// Header blocks as Envoy writes them (RFC 7541): constant fields, the first of a connection filling the table of the
// other side, the later ones pointing into it. It never Huffman-codes; reading is src/ext-authz/wire's.
import { STATIC_TABLE } from "../../src/ext-authz/wire/hpack-static-table.ts";

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
