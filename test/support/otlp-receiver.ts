// A real OTLP/HTTP receiver: takes protobuf traces on an ephemeral port and says which spans came.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedSpan {
  readonly name: string;
  /** Hex digits, as are the next two. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly kind: number;
  /** Strings and integers. */
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 2 is an error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly resource: Readonly<Record<string, string | number>>;
}

export interface OtlpReceiver {
  readonly baseUrl: string;
  readonly spans: readonly ReceivedSpan[];
  /** Method and path of every request. */
  readonly requests: readonly string[];
  /** All bodies, as they came. */
  bytes(): Buffer;
  stop(): Promise<void>;
}

/** `status` other than 200 makes it a receiver that takes nothing. */
export async function startOtlpReceiver(status = 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: string[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      bodies.push(body);
      requests.push(`${request.method} ${request.url}`);
      if (request.url === "/v1/traces") spans.push(...spansOf(body));
      response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    spans,
    requests,
    bytes: () => Buffer.concat(bodies),
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A message's fields by number, in order: length-delimited ones as bytes, the others as numbers. */
type Fields = Map<number, (Buffer | number)[]>;

function fieldsOf(message: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    switch (tag % 8) {
      case 0:
        values.push(varint());
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        values.push(message.subarray(at, at + length));
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error("not a protobuf message");
    }
  }
  return fields;
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).filter((value) => Buffer.isBuffer(value)).map(fieldsOf);
}

function text(fields: Fields | undefined, number: number, encoding: BufferEncoding = "utf8"): string {
  const value = fields?.get(number)?.[0];
  return Buffer.isBuffer(value) ? value.toString(encoding) : "";
}

function integer(fields: Fields | undefined, number: number): number {
  const value = fields?.get(number)?.[0];
  return typeof value === "number" ? value : 0;
}

function attributesOf(owner: Fields | undefined, number: number): Record<string, string | number> {
  const entries = (owner === undefined ? [] : messages(owner, number)).map((pair): [string, string | number] => {
    const value = messages(pair, 2)[0];
    return [text(pair, 1), value?.has(1) === true ? text(value, 1) : integer(value, 3)];
  });
  return Object.fromEntries(entries);
}

/** Field numbers of opentelemetry/proto/trace/v1/trace.proto. */
function spansOf(body: Buffer): ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0], 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => ({
        traceId: text(span, 1, "hex"),
        spanId: text(span, 2, "hex"),
        traceState: text(span, 3),
        parentSpanId: text(span, 4, "hex"),
        name: text(span, 5),
        kind: integer(span, 6),
        attributes: attributesOf(span, 9),
        statusCode: integer(messages(span, 15)[0], 3),
        statusMessage: text(messages(span, 15)[0], 2),
        resource,
      })),
    );
  });
}
