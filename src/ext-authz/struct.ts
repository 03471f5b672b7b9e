// Encodes members of a google.protobuf.Struct, the form of dynamic metadata.

import { bytesField, stringField } from "./protobuf-writer.ts";

const FIELDS = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;
const VALUE_STRING = 3;
/** Value.number_value = 2, a 64-bit float. */
const VALUE_NUMBER_TAG = 0x11;

export function structString(key: string, value: string): Buffer {
  return bytesField(FIELDS, stringField(ENTRY_KEY, key), bytesField(ENTRY_VALUE, stringField(VALUE_STRING, value)));
}

export function structNumber(key: string, value: number): Buffer {
  const number = Buffer.alloc(9);
  number[0] = VALUE_NUMBER_TAG;
  number.writeDoubleLE(value, 1);
  return bytesField(FIELDS, stringField(ENTRY_KEY, key), bytesField(ENTRY_VALUE, number));
}
