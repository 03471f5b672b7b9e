// CloudEvents 1.0 in Kafka records, as its Kafka protocol binding has them: written in binary mode, read in binary and
// structured mode. It knows what an event is, and not what any event means.

import { err, ok, type Result } from "../../core/result.ts";
import { isJsonObject, type JsonObject } from "../../token/json.ts";
import { parseJsonBody } from "../json-body.ts";

/** A record's content as bytes; header names are of US-ASCII. */
export interface RecordContent {
  readonly value: Buffer | undefined;
  readonly headers: ReadonlyMap<string, string>;
}

/** The attributes we heed (CloudEvents 1.0 §3.1), all of them text. */
export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339; undefined: not told. */
  readonly time: string | undefined;
  /** An extension of ours: whom it is meant for. */
  readonly audience: string | undefined;
}

export interface CloudEvent extends EventAttributes {
  readonly data: JsonObject;
}

const SPEC_VERSION = "1.0";
const CONTENT_TYPE = "content-type";
/** Of every attribute's header in binary mode (Kafka binding §3.2.3.1). */
const PREFIX = "ce_";
const STRUCTURED = "application/cloudevents";
/** An event of ours has some 500 bytes; the longest target and reason, escaped, 28 KB. */
const MAX_VALUE_BYTES = 64 * 1024;
const MAX_ATTRIBUTE_LENGTH = 1_024;

/** The headers of an event in binary mode, whose data is JSON. */
export function headersOf({ id, source, type, time, audience }: EventAttributes): Record<string, string> {
  return {
    [CONTENT_TYPE]: "application/json",
    ce_specversion: SPEC_VERSION,
    ce_id: id,
    ce_source: source,
    ce_type: type,
    ...(time === undefined ? {} : { ce_time: time }),
    ...(audience === undefined ? {} : { ce_audience: audience }),
  };
}

/** The event in a record; the error, for people, quotes nothing of it. */
export function readEvent({ value, headers }: RecordContent): Result<CloudEvent, string> {
  if (value === undefined) return err("has no value");
  if (value.length > MAX_VALUE_BYTES) return err(`is longer than ${MAX_VALUE_BYTES} bytes`);
  const mediaType = mediaTypeOf(headers.get(CONTENT_TYPE));
  if (mediaType?.startsWith(STRUCTURED) === true) return readStructured(mediaType, value);
  const attributes = readAttributes((name) => headers.get(PREFIX + name));
  if (!attributes.ok) return attributes;
  if (mediaType !== undefined && !isJson(mediaType)) return err("has data that is not JSON");
  const data = parseJson(value);
  return data.ok ? ok({ ...attributes.value, data: data.value }) : data;
}

function readStructured(mediaType: string, value: Buffer): Result<CloudEvent, string> {
  if (mediaType !== `${STRUCTURED}+json`) return err("is in an event format other than JSON");
  const parsed = parseJson(value);
  if (!parsed.ok) return parsed;
  const event = parsed.value;
  const attributes = readAttributes((name) => event[name]);
  if (!attributes.ok) return attributes;
  const { datacontenttype } = event;
  // The JSON format §3.1: without it the data is JSON.
  const isJsonData = datacontenttype === undefined || isJson(mediaTypeOf(datacontenttype) ?? "");
  if (!isJsonData) return err("has data that is not JSON");
  const { data } = event;
  return isJsonObject(data) ? ok({ ...attributes.value, data }) : err("has data that is no JSON object");
}

function readAttributes(get: (name: string) => unknown): Result<EventAttributes, string> {
  if (get("specversion") !== SPEC_VERSION) return err("is no CloudEvent of version 1.0");
  const told: Record<string, string> = {};
  for (const name of ["id", "source", "type", "time", "audience"]) {
    const value = get(name) ?? undefined;
    if (isAttribute(value)) told[name] = value;
    else if (value !== undefined) return err(`has an attribute ${name} that is no text of a length that is taken here`);
  }
  const { id, source, type, time, audience } = told;
  if (id === undefined || source === undefined || type === undefined) return err("lacks one of id, source and type");
  return ok({ id, source, type, time, audience });
}

function isAttribute(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ATTRIBUTE_LENGTH;
}

/** Lower case, without its parameters. */
function mediaTypeOf(contentType: unknown): string | undefined {
  return typeof contentType === "string" ? contentType.split(";")[0]?.trim().toLowerCase() : undefined;
}

function isJson(mediaType: string): boolean {
  return mediaType === "application/json" || mediaType.endsWith("+json");
}

/** Strict, for a reader in between could have judged another target than the one that is revoked here. */
function parseJson(bytes: Buffer): Result<JsonObject, string> {
  const parsed = parseJsonBody(bytes);
  return parsed.ok ? parsed : err("is, or has data that is, no JSON object that all would read alike");
}
