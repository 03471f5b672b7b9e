// Reads Envoy's own word about a route: the tier and scopes its configuration sends along. Never what the client said.

import type { RequestDraft } from "./request-draft.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";

const ENTRY_KEY = 0x0a; // every map: key = 1, value = 2
const ENTRY_VALUE = 0x12;
const METADATA_FILTER_METADATA = 0x0a; // envoy.config.core.v3.Metadata.filter_metadata = 1
const STRUCT_FIELDS = 0x0a; // google.protobuf.Struct.fields = 1
const VALUE_STRING = 0x1a; // google.protobuf.Value.string_value = 3

const NAMESPACE = "portcullis";
const TIER = "tier";
const CONTEXT_TIER = "portcullis.tier";
const CONTEXT_SCOPES = "portcullis.scopes";

/** One entry of `context_extensions`. */
export function readContextExtension(reader: ProtobufReader, draft: RequestDraft): void {
  const outer = reader.enter();
  let key = "";
  let value = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ENTRY_KEY) key = reader.utf8();
    else if (tag === ENTRY_VALUE) value = reader.utf8();
    else reader.skip(tag);
  }
  if ((key === CONTEXT_TIER || key === CONTEXT_SCOPES) && draft.mayKeep(reader)) {
    if (key === CONTEXT_TIER) draft.tiers = [...draft.tiers, value];
    else draft.scopes = [...draft.scopes, ...value.split(" ").filter((scope) => scope !== "")];
  }
  reader.leave(outer);
}

/** `route_metadata_context`: its namespace `portcullis`, there the member `tier`. */
export function readRouteMetadata(reader: ProtobufReader, draft: RequestDraft): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === METADATA_FILTER_METADATA) readEntry(reader, draft, NAMESPACE, readStruct);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readStruct(reader: ProtobufReader, draft: RequestDraft): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === STRUCT_FIELDS) readEntry(reader, draft, TIER, readTierValue);
    else reader.skip(tag);
  }
}

/** A Value is a oneof: what was written last counts. No string, no name, and so a configuration error later on. */
function readTierValue(reader: ProtobufReader, draft: RequestDraft): void {
  let name = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    name = "";
    if (tag === VALUE_STRING) name = reader.utf8();
    else reader.skip(tag);
  }
  if (draft.mayKeep(reader)) draft.tiers = [...draft.tiers, name];
}

/** Reads every value of one map entry with `readValue` if its key is `wanted`, wherever in the entry the key stands. */
function readEntry(
  reader: ProtobufReader,
  draft: RequestDraft,
  wanted: string,
  readValue: (reader: ProtobufReader, draft: RequestDraft) => void,
): void {
  const outer = reader.enter();
  const start = reader.position;
  let key = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ENTRY_KEY) key = reader.utf8();
    else reader.skip(tag);
  }
  if (!reader.damaged && key === wanted) {
    reader.position = start;
    readValues(reader, draft, readValue);
  }
  reader.leave(outer);
}

/** Several are one that was written in pieces. */
function readValues(
  reader: ProtobufReader,
  draft: RequestDraft,
  readValue: (reader: ProtobufReader, draft: RequestDraft) => void,
): void {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== ENTRY_VALUE) reader.skip(tag);
    else {
      const entry = reader.enter();
      readValue(reader, draft);
      reader.leave(entry);
    }
  }
}
