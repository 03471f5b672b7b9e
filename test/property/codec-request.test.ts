// The scanner of CheckRequests against protobufjs, over random messages and over damaged ones: both read the same, or
// we nothing.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPlainRequest } from "../../src/ext-authz/plain-request.ts";
import { readAnyRequest, readAuthzRequest } from "../../src/ext-authz/request.ts";
import type { AuthzRequest } from "../../src/ext-authz/authz-request.ts";
import { watchHeaders } from "../../src/ext-authz/watched-headers.ts";
import { decodeCheckRequest, encodeCheckRequest, type CheckRequestMessage } from "../support/ext-authz-proto.ts";
import { runs } from "../support/fuzz-time.ts";

const RUNS = runs(3_000);
const MANAGED = ["x-auth-subject", "x-auth-assurance", "x-http-method-override"];
const watched = watchHeaders(MANAGED);
const read = (bytes: Buffer): AuthzRequest | undefined => readAuthzRequest(bytes, watched);

/** What a Check would be judged on, taken out of protobufjs's reading. */
function expected(message: CheckRequestMessage): object | undefined {
  const http = message.attributes?.request?.http;
  if (http === undefined || http === null) return undefined;
  const headers = [
    ...Object.entries(http.headers ?? {}).map(([key, value]) => [key, [value]] as const),
    ...(http.header_map?.headers ?? []).map(({ key = "", value = "", raw_value }) => {
      const raw = Buffer.from(raw_value ?? []).toString("utf8");
      return [key, raw !== "" && value !== "" ? [raw, value] : [raw === "" ? value : raw]] as const;
    }),
  ];
  if (headers.some(([name]) => !/^[\x21-\x7e]+$/.test(name))) return undefined;
  const valuesOf = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === wanted).flatMap(([, values]) => values);
  const parents = valuesOf("traceparent");
  const spoofed = headers
    .map(([name]) => name)
    .filter((name) => {
      const lower = name.toLowerCase();
      return !MANAGED.includes(lower) && MANAGED.includes(lower.replace(/[._]/g, "-"));
    });
  const word = message.attributes?.route_metadata_context?.filter_metadata["portcullis"]?.fields["tier"];
  const extensions = message.attributes?.context_extensions ?? {};
  return {
    method: http.method ?? "",
    host: http.host ?? "",
    path: http.path ?? "",
    authorization: valuesOf("authorization").toSorted(),
    spoofed: [...new Set(spoofed)].toSorted(),
    traceparent: parents.length === 1 ? parents[0] : undefined,
    tiers: [
      ...(Object.hasOwn(extensions, "portcullis.tier") ? [extensions["portcullis.tier"]] : []),
      ...(word === undefined ? [] : [word["kind"] === "stringValue" ? word["stringValue"] : ""]),
    ]
      .map(String)
      .toSorted(),
    scopes: (extensions["portcullis.scopes"] ?? "").split(" ").filter((scope) => scope !== ""),
  };
}

function actual(request: AuthzRequest | undefined): object | undefined {
  if (request === undefined) return undefined;
  const text = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8");
  const { authorization, spoofedNames, tiers, scopes, traceparent } = request;
  return {
    method: text(request.method),
    host: text(request.host),
    path: text(request.path),
    authorization: authorization.map(String).toSorted(),
    spoofed: spoofedNames.toSorted(),
    traceparent: traceparent === undefined ? undefined : text(traceparent),
    tiers: tiers.toSorted(),
    scopes,
  };
}

const name = fc
  .oneof(
    fc.constantFrom(
      "authorization",
      "Authorization",
      "traceparent",
      "tracestate",
      "x-auth-subject",
      "X_Auth_Subject",
      "x.auth-subject",
      "x-http_method.override",
      "x-auth-subjec",
      "x-auth-subjectt",
      ":path",
      "user-agent",
      "__proto",
      "x-auth-assurance",
    ),
    fc.string({ minLength: 1, maxLength: 24 }),
  )
  .filter((key) => key !== "__proto__");
const text = fc.string({ unit: "grapheme", maxLength: 200 });
const value = fc.oneof(
  text,
  fc.constantFrom("Bearer a.b.c", "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
);
const wordOfEnvoy = fc.oneof(
  fc.record({ stringValue: text }),
  fc.record({ numberValue: fc.double({ noNaN: true }) }),
  fc.record({ boolValue: fc.boolean() }),
);
const http = fc.record(
  {
    id: text,
    method: fc.oneof(fc.constantFrom("GET", "HEAD", "POST", "CONNECT"), text),
    headers: fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true }),
    path: text,
    host: text,
    size: fc.integer(),
    body: text,
    raw_body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    header_map: fc.record({
      headers: fc.array(
        fc.record({ key: name, value, raw_value: value.map((chars) => Buffer.from(chars)) }, { requiredKeys: ["key"] }),
        { maxLength: 6 },
      ),
    }),
  },
  { requiredKeys: [] },
);
const message: fc.Arbitrary<CheckRequestMessage> = fc.record(
  {
    attributes: fc.record(
      {
        source: fc.record({ service: text, principal: text }),
        request: fc.record({ http }, { requiredKeys: [] }),
        context_extensions: fc.dictionary(
          fc.constantFrom("portcullis.tier", "portcullis.scopes", "other", "portcullis"),
          fc.oneof(text, fc.constantFrom("critical", "a b  c", "")),
          { noNullPrototype: true },
        ),
        route_metadata_context: fc.record({
          filter_metadata: fc.dictionary(
            fc.constantFrom("portcullis", "envoy.lb"),
            fc.record({
              fields: fc.dictionary(fc.constantFrom("tier", "x"), wordOfEnvoy, { noNullPrototype: true }),
            }),
            { noNullPrototype: true },
          ),
        }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

// A second way to write the same messages: fields repeated, split, out of order, between fields nobody knows.

function varint(number: bigint, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = number;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let count = 0; count < padding; count++) bytes.push(0x80);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) & 0x7f;
  return Buffer.from(bytes);
}
const tag = (field: number, wireType: number): Buffer => varint(BigInt(field * 8 + wireType));
const bytesOf = (field: number, content: Uint8Array, padding = 0): Buffer =>
  Buffer.concat([tag(field, 2), varint(BigInt(content.length), padding), content]);

/** Fields that no message here has, of every wire type. */
const unknownField = fc.integer({ min: 100, max: 2_000 }).chain((field) =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((number) => Buffer.concat([tag(field, 0), varint(number)])),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((eight) => Buffer.concat([tag(field, 1), eight])),
    fc.uint8Array({ maxLength: 200 }).map((content) => bytesOf(field, content)),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((four) => Buffer.concat([tag(field, 5), four])),
    fc
      .uint8Array({ maxLength: 20 })
      .map((content) => Buffer.concat([tag(field, 3), bytesOf(7, content), tag(field, 4)])),
  ),
);
const noise = fc.array(unknownField, { maxLength: 2 }).map((fields) => Buffer.concat(fields));
const among = (field: fc.Arbitrary<Buffer>, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.array(fc.tuple(noise, field), { maxLength }).map((pairs) => Buffer.concat(pairs.flat()));
const stringOf = (field: number, content: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(content, fc.integer({ min: 0, max: 4 }))
    .map(([chars, padding]) => bytesOf(field, Buffer.from(chars), padding));
const nested = (field: number, content: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  content.map((body) => bytesOf(field, body));

const wireHeaderValue = among(fc.oneof(stringOf(1, name), stringOf(2, value), stringOf(3, value)), 4);
/** One message written twice over: in one piece, and its singular nested messages in several, which means the same. */
interface Twice {
  readonly whole: Buffer;
  readonly split: Buffer;
}

/** A singular nested message out of the parts of its content. protobufjs alone does not merge: it reads `whole`. */
function singular(field: number, parts: fc.Arbitrary<readonly Twice[]>): fc.Arbitrary<Twice> {
  return fc.tuple(parts, noise).map(([contents, between]) => ({
    whole: bytesOf(field, Buffer.concat(contents.map(({ whole }) => whole))),
    split: Buffer.concat([
      bytesOf(field, Buffer.alloc(0)),
      ...contents.flatMap(({ split }) => [between, bytesOf(field, split)]),
    ]),
  }));
}
const same = (field: fc.Arbitrary<Buffer>): fc.Arbitrary<Twice> =>
  field.map((bytes) => ({ whole: bytes, split: bytes }));
const partsOf = (part: fc.Arbitrary<Twice>, maxLength: number): fc.Arbitrary<readonly Twice[]> =>
  fc.array(part, { maxLength });

const wireHeader = fc.oneof(nested(1, wireHeaderValue), nested(1, stringOf(1, fc.constant("authorization"))));
const wireHttpFields = fc.oneof(stringOf(2, text), stringOf(4, text), stringOf(5, text), stringOf(11, text), noise);
const wireMessage = singular(
  1,
  singular(
    4,
    singular(
      2,
      fc
        .tuple(partsOf(same(wireHttpFields), 6), singular(13, partsOf(same(wireHeader), 4)))
        .map(([fields, headerMap]) => [...fields, headerMap]),
    ).map((part) => [part]),
  ).map((part) => [part]),
);

describe("the request scanner and protobufjs read the same", () => {
  test("out of any message that protobufjs writes", () => {
    fc.assert(
      fc.property(message, (written) => {
        const bytes = encodeCheckRequest(written);
        expect(actual(read(bytes))).toEqual(expected(decodeCheckRequest(bytes)));
      }),
      RUNS,
    );
  });

  test("out of messages with repeated, split and unknown fields, groups, and lengths longer than they need be", () => {
    fc.assert(
      fc.property(wireMessage, ({ whole, split }) => {
        const oracle = expected(decodeCheckRequest(whole));
        expect(actual(read(whole))).toEqual(oracle);
        expect(actual(read(split))).toEqual(oracle);
      }),
      RUNS,
    );
  });

  test("wherever a message is cut off: nothing, or what is there to the end of a field", () => {
    fc.assert(
      fc.property(message, fc.nat(), (written, at) => {
        const whole = encodeCheckRequest(written);
        const cut = whole.subarray(0, whole.length === 0 ? 0 : at % whole.length);
        let oracle: CheckRequestMessage | undefined;
        try {
          oracle = decodeCheckRequest(cut);
        } catch {
          // protobufjs gives it up too
        }
        expect(actual(read(cut))).toEqual(oracle === undefined ? undefined : expected(oracle));
      }),
      RUNS,
    );
  });
});

describe("the reader of the plain form", () => {
  const sent = (bearer: string, others: Readonly<Record<string, string>>, inMap: boolean): Buffer => {
    const headers = { ...others, authorization: bearer };
    const header_map = {
      headers: Object.entries(headers).map(([key, chars]) => ({ key, raw_value: Buffer.from(chars) })),
    };
    const plainHttp = { method: "GET", path: "/orders", host: "a.example", ...(inMap ? { header_map } : { headers }) };
    return encodeCheckRequest({ attributes: { request: { http: plainHttp } } });
  };

  test("takes what Envoy sends, with either form of headers", () => {
    const others = { ":path": "/orders", "user-agent": "x".repeat(300), traceparent: "00-1-2-01" };
    for (const inMap of [false, true]) {
      const request = readPlainRequest(sent("Bearer a.b.c", others, inMap), watched);
      expect(actual(request)).toMatchObject({ path: "/orders", host: "a.example", authorization: ["Bearer a.b.c"] });
      expect(request?.traceparent).toBe("00-1-2-01");
    }
  });

  test("reads what the other one reads, or nothing", () => {
    const alike = (bytes: Buffer): void => {
      const request = readPlainRequest(bytes, watched);
      if (request !== undefined) expect(actual(request)).toEqual(actual(readAnyRequest(bytes, watched)));
    };
    const flip = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const plain = fc.tuple(value, fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true }), fc.boolean());
    fc.assert(
      fc.property(plain, fc.array(flip, { maxLength: 3 }), (parts, flips) => {
        const bytes = Buffer.from(sent(...parts));
        for (const [at, byte] of flips) bytes[at % bytes.length] = byte;
        alike(bytes);
        alike(bytes.subarray(0, flips.length === 0 ? bytes.length : (flips[0]?.[0] ?? 0) % bytes.length));
      }),
      runs(20_000),
    );
    fc.assert(
      fc.property(wireMessage, ({ whole, split }) => {
        alike(whole);
        alike(split);
      }),
      RUNS,
    );
    // Bytes that mean something here, put anywhere: entries end early, lengths take in what stands behind them.
    const meaning = fc.array(fc.constantFrom(0, 1, 2, 0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x52, 0x6a, 0x7f, 0x80, 0xff), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(3), meaning, (parts, place, goneCount, put) => {
        const bytes = sent(...parts);
        const at = place % bytes.length;
        alike(Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at + goneCount)]));
        const whole = Buffer.from(bytes);
        whole.set(put.slice(0, whole.length - at), at);
        alike(whole);
      }),
      runs(20_000),
    );
  });
});

describe("whatever bytes arrive", () => {
  test("the scanner answers and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => read(Buffer.from(bytes))).not.toThrow();
      }),
      runs(20_000),
    );
  });

  test("a damaged message never yields a credential that is not in its bytes", () => {
    const flip = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(message, fc.array(flip, { minLength: 1, maxLength: 6 }), (written, flips) => {
        const bytes = Buffer.from(encodeCheckRequest(written));
        for (const [at, byte] of flips) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        for (const credential of read(bytes)?.authorization ?? []) {
          expect(bytes.includes(credential)).toBe(true);
        }
      }),
      runs(10_000),
    );
  });
});
