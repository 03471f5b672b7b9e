// Which header blocks make a request by RFC 9113 §8, and what is known of it then.
import { describe, expect, test } from "vitest";
import { RequestFields } from "../../../../src/ext-authz/wire/request-fields.ts";

type Field = readonly [name: string, value: string];

const TARGET: readonly Field[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/s/M"],
];

function read(fields: readonly Field[], isTrailers = false): RequestFields {
  const found = new RequestFields();
  found.begin(isTrailers);
  for (const [name, value] of fields) found.add(name, value);
  found.end();
  return found;
}

describe("a request is malformed (RFC 9113 §8.2, §8.3)", () => {
  test.each<[string, readonly Field[]]>([
    ["without a method", TARGET.slice(1)],
    ["without a scheme", [TARGET[0] as Field, TARGET[2] as Field]],
    ["without a path", TARGET.slice(0, 2)],
    ["with an empty path", [...TARGET.slice(0, 2), [":path", ""]]],
    ["with a path that is none", [...TARGET.slice(0, 2), [":path", "s/M"]]],
    ["with an asterisk that is not for OPTIONS", [...TARGET.slice(0, 2), [":path", "*"]]],
    ["with two paths", [...TARGET, [":path", "/other"]]],
    ["with two methods", [...TARGET, [":method", "POST"]]],
    ["with two schemes", [...TARGET, [":scheme", "http"]]],
    ["with two authorities", [...TARGET, [":authority", "a"], [":authority", "a"]]],
    ["with a pseudo-header of answers", [...TARGET, [":status", "200"]]],
    ["with a pseudo-header nobody knows", [...TARGET, [":protocol", "websocket"]]],
    ["with a pseudo-header behind others", [["te", "trailers"], ...TARGET]],
    ["with upper case in a name", [...TARGET, ["Te", "trailers"]]],
    ["with an empty name", [...TARGET, ["", "x"]]],
    ["with a space in a name", [...TARGET, ["a b", "x"]]],
    ["with a colon in a name", [...TARGET, ["a:b", "x"]]],
    ["with a byte above ASCII in a name", [...TARGET, ["a\u00e9", "x"]]],
    ["with NUL in a value", [...TARGET, ["a", "x\0y"]]],
    ["with LF in a value", [...TARGET, ["a", "x\ny"]]],
    ["with CR in a value", [...TARGET, ["a", "x\ry"]]],
    ["with a space before a value", [...TARGET, ["a", " x"]]],
    ["with a tab behind a value", [...TARGET, ["a", "x\t"]]],
    ["with connection", [...TARGET, ["connection", "close"]]],
    ["with proxy-connection", [...TARGET, ["proxy-connection", "close"]]],
    ["with keep-alive", [...TARGET, ["keep-alive", "1"]]],
    ["with transfer-encoding", [...TARGET, ["transfer-encoding", "chunked"]]],
    ["with upgrade", [...TARGET, ["upgrade", "h2c"]]],
    ["with te other than trailers", [...TARGET, ["te", "gzip"]]],
    ["with a content-length that is none", [...TARGET, ["content-length", "-1"]]],
    ["with two content-lengths", [...TARGET, ["content-length", "1"], ["content-length", "2"]]],
    [
      "as CONNECT with a path",
      [
        [":method", "CONNECT"],
        [":authority", "a"],
        [":path", "/"],
      ],
    ],
  ])("%s", (_what, fields) => {
    expect(read(fields).isMalformed).toBe(true);
  });
});

describe("a request is well-formed", () => {
  test.each<[string, readonly Field[]]>([
    ["with nothing but its target", TARGET],
    ["with empty values", [...TARGET, ["a", ""]]],
    ["with bytes above ASCII in a value", [...TARGET, ["a", "\u00e9\u00ff"]]],
    ["with one content-length, twice", [...TARGET, ["content-length", "7"], ["content-length", "7"]]],
    [
      "as OPTIONS of everything",
      [
        [":method", "OPTIONS"],
        [":scheme", "http"],
        [":path", "*"],
      ],
    ],
    [
      "as CONNECT",
      [
        [":method", "CONNECT"],
        [":authority", "a"],
      ],
    ],
  ])("%s", (_what, fields) => {
    expect(read(fields).isMalformed).toBe(false);
  });

  test("and its fields are known, those that come twice as lists", () => {
    const traced: readonly Field[] = [
      ...TARGET,
      ["tracestate", "a=1"],
      ["tracestate", "b=2"],
      ["content-length", "12"],
    ];
    expect(read(traced)).toMatchObject({ method: "POST", path: "/s/M", tracestate: "a=1,b=2", contentLength: 12 });
  });

  test("and nothing of the one before is left in it", () => {
    const fields = new RequestFields();
    fields.begin(false);
    for (const [name, value] of [...TARGET, ["grpc-timeout", "1S"], ["traceparent", "t"], ["Bad", "x"]] as Field[])
      fields.add(name, value);
    fields.begin(false);
    for (const [name, value] of TARGET) fields.add(name, value);
    fields.end();
    expect(fields.isMalformed).toBe(false);
    expect([fields.grpcTimeout, fields.traceparent]).toEqual([undefined, undefined]);
  });
});

test("trailers hold no pseudo-header, and obey the other rules (§8.1)", () => {
  expect(read([["x-checksum", "1"]], true).isMalformed).toBe(false);
  expect(read([[":path", "/"]], true).isMalformed).toBe(true);
  expect(read([["Upper", "1"]], true).isMalformed).toBe(true);
});
