// Finds what Envoy's jwt_authn says of the token that it has verified, in the metadata of a CheckRequest. It reads no header:
// no client can write there.

import type { Attestation } from "../token/attested.ts";
import type { AttestedSource } from "./attested-source.ts";
import { ATTRIBUTES_METADATA, CHECK_ATTRIBUTES } from "./check-request-tags.ts";
import { decodeStruct, type StructObject } from "./struct-reader.ts";
import { fieldsIn } from "./protobuf-reader.ts";

const FILTER_METADATA = 0x0a; // envoy.config.core.v3.Metadata.filter_metadata = 1, a map
const STRUCT_FIELDS = 0x0a; // google.protobuf.Struct.fields = 1, a map
const ENTRY_KEY = 0x0a;
const ENTRY_VALUE = 0x12;
const VALUE_STRUCT = 0x2a; // google.protobuf.Value.struct_value = 5

/** Every attestation there is: more than one is more than one credential. Undefined: the metadata cannot be read. */
export function attestationsIn(bytes: Buffer, sources: readonly AttestedSource[]): readonly Attestation[] | undefined {
  const namespaces = metadataIn(bytes);
  if (namespaces === undefined) return undefined;
  return sources.flatMap((source) => {
    const told = namespaces.get(source.namespace);
    const payload = told?.get(source.payload);
    return payload === undefined ? [] : [attestationOf(source, payload, told?.get(source.header ?? ""))];
  });
}

function attestationOf(
  { issuer, header: isTold }: AttestedSource,
  payload: Buffer,
  header: Buffer | undefined,
): Attestation {
  return {
    issuer,
    bytes: header === undefined ? payload : Buffer.concat([payload, header]),
    read() {
      const claims = objectIn(payload);
      const read = header === undefined ? undefined : objectIn(header);
      // Who asked to be told of the header means to revoke keys by it.
      const isWhole = claims !== undefined && (isTold === undefined || read !== undefined);
      return isWhole ? { claims, header: read } : undefined;
    },
  };
}

type Values = ReadonlyMap<string, Buffer>;

/** The encoded values by key, by namespace. */
function metadataIn(bytes: Buffer): ReadonlyMap<string, Values> | undefined {
  const attributes = fieldsIn(bytes, CHECK_ATTRIBUTES);
  const metadata = attributes?.flatMap((message) => fieldsIn(message, ATTRIBUTES_METADATA) ?? []);
  const namespaces = metadata === undefined ? undefined : entriesIn(metadata, FILTER_METADATA);
  if (namespaces === undefined) return undefined;
  const read = new Map<string, Values>();
  for (const [name, struct] of namespaces) {
    const values = entriesIn([struct], STRUCT_FIELDS);
    if (values === undefined) return undefined;
    read.set(name, values);
  }
  return read;
}

/** The entries of a map that is field `tag` of the messages; undefined where a key stands there twice. */
function entriesIn(messages: readonly Buffer[], tag: number): Values | undefined {
  const entries = new Map<string, Buffer>();
  for (const message of messages) {
    for (const entry of fieldsIn(message, tag) ?? []) {
      const key = fieldsIn(entry, ENTRY_KEY)?.at(-1)?.toString() ?? "";
      if (entries.has(key)) return undefined;
      entries.set(key, fieldsIn(entry, ENTRY_VALUE)?.at(-1) ?? NOTHING);
    }
  }
  return entries;
}

function objectIn(value: Buffer): StructObject | undefined {
  const struct = fieldsIn(value, VALUE_STRUCT)?.at(-1);
  return struct === undefined ? undefined : decodeStruct(struct);
}

const NOTHING: Buffer = Buffer.alloc(0);
