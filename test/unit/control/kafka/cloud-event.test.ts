// CloudEvents in Kafka records: read back as written, told apart by their content mode, refused where damaged.
import { describe, expect, test } from "vitest";
import { headersOf, readEvent } from "../../../../src/control/kafka/cloud-event.ts";

const ATTRIBUTES = { id: "1", source: "urn:hr", type: "t", time: "2026-11-21T12:00:00Z", audience: "fleet" };
const DATA = { target: { kind: "token", id: "j" } };

function read(value: string | undefined, headers: Readonly<Record<string, string>>): unknown {
  const event = readEvent({
    value: value === undefined ? undefined : Buffer.from(value),
    headers: new Map(Object.entries(headers)),
  });
  return event.ok ? event.value : event.error;
}

const structured = (over: object = {}): string =>
  JSON.stringify({ specversion: "1.0", ...ATTRIBUTES, data: DATA, ...over });
const STRUCTURED = { "content-type": "application/cloudevents+json" };

describe("a CloudEvent in Kafka", () => {
  test("reads back as it was written, in binary mode", () => {
    expect(read(JSON.stringify(DATA), headersOf(ATTRIBUTES))).toEqual({ ...ATTRIBUTES, data: DATA });
  });

  test("is told by its content type to be in structured mode", () => {
    expect(read(structured(), STRUCTURED)).toEqual({ ...ATTRIBUTES, data: DATA });
    expect(read(structured(), { "content-type": "application/cloudevents+json; charset=UTF-8" })).toMatchObject(
      ATTRIBUTES,
    );
  });

  test.each<[string, string | undefined, Readonly<Record<string, string>>]>([
    ["without a value", undefined, headersOf(ATTRIBUTES)],
    ["of another version", "{}", { ...headersOf(ATTRIBUTES), ce_specversion: "0.3" }],
    ["without an id", "{}", { ce_specversion: "1.0", ce_source: "s", ce_type: "t" }],
    ["with an empty id", "{}", { ...headersOf(ATTRIBUTES), ce_id: "" }],
    ["with an id of number type", structured({ id: 1 }), STRUCTURED],
    ["with data that is no object", "[1]", headersOf(ATTRIBUTES)],
    ["with text for data", structured({ data: "x" }), STRUCTURED],
    ["with data of another kind", "<a/>", { ...headersOf(ATTRIBUTES), "content-type": "application/xml" }],
    ["in a batch", `[${structured()}]`, { "content-type": "application/cloudevents-batch+json" }],
    ["in another format", structured(), { "content-type": "application/cloudevents+avro" }],
    ["with a member twice", '{"target":{},"target":{}}', headersOf(ATTRIBUTES)],
    ["that is too long", JSON.stringify({ a: "x".repeat(70_000) }), headersOf(ATTRIBUTES)],
  ])("is refused %s", (_what, value, headers) => {
    expect(read(value, headers)).toEqual(expect.any(String));
  });

  test("is refused where its bytes are no UTF-8", () => {
    const headers = new Map(Object.entries(headersOf(ATTRIBUTES)));
    expect(readEvent({ value: Buffer.from([0x7b, 0xff, 0x7d]), headers }).ok).toBe(false);
  });
});
