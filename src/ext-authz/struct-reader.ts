// Decodes a google.protobuf.Struct into the values that JSON has. Strict where it could be read twice: a name that stands in an
// object twice, or nesting beyond what a token may have, is no value at all.

import { ProtobufReader } from "./protobuf-reader.ts";

const STRUCT_FIELDS = 0x0a;
const ENTRY_KEY = 0x0a;
const ENTRY_VALUE = 0x12;
const LIST_VALUES = 0x0a;
// google.protobuf.Value, a oneof: what was written last counts.
const NUMBER_VALUE = 0x11;
const STRING_VALUE = 0x1a;
const BOOL_VALUE = 0x20;
const STRUCT_VALUE = 0x2a;
const LIST_VALUE = 0x32;

/** As of a token's claims, which are its first level. */
const MAX_DEPTH = 16;

export type StructObject = Record<string, unknown>;

/** Undefined where `struct` is no such message, or says something twice. */
export function decodeStruct(struct: Buffer): StructObject | undefined {
  const reader = new ProtobufReader(struct);
  const object = readMembers(reader, 1);
  return reader.damaged ? undefined : object;
}

/** To the end of the message that the reader is in. */
function readMembers(reader: ProtobufReader, depth: number): StructObject {
  const object = Object.create(null) as StructObject;
  if (depth > MAX_DEPTH) reader.damage();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === STRUCT_FIELDS) readMember(reader, object, depth);
    else reader.skip(tag);
  }
  return object;
}

function readStruct(reader: ProtobufReader, depth: number): StructObject {
  const outer = reader.enter();
  const object = readMembers(reader, depth);
  reader.leave(outer);
  return object;
}

function readMember(reader: ProtobufReader, object: StructObject, depth: number): void {
  const outer = reader.enter();
  let name = "";
  let value: unknown = null;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ENTRY_KEY) name = reader.utf8();
    else if (tag === ENTRY_VALUE) value = readValue(reader, depth);
    else reader.skip(tag);
  }
  if (Object.hasOwn(object, name)) reader.damage();
  object[name] = value;
  reader.leave(outer);
}

function readValue(reader: ProtobufReader, depth: number): unknown {
  const outer = reader.enter();
  let value: unknown = null;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) value = readKind(reader, tag, depth);
  reader.leave(outer);
  return value;
}

function readKind(reader: ProtobufReader, tag: number, depth: number): unknown {
  switch (tag) {
    case NUMBER_VALUE:
      return reader.double();
    case STRING_VALUE:
      return reader.utf8();
    case BOOL_VALUE:
      return reader.number() !== 0;
    case STRUCT_VALUE:
      return readStruct(reader, depth + 1);
    case LIST_VALUE:
      return readList(reader, depth + 1);
    default: // null, and what no Value has
      reader.skip(tag);
      return null;
  }
}

function readList(reader: ProtobufReader, depth: number): unknown[] {
  const list: unknown[] = [];
  if (depth > MAX_DEPTH) reader.damage();
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === LIST_VALUES) list.push(readValue(reader, depth));
    else reader.skip(tag);
  }
  reader.leave(outer);
  return list;
}
