// Which spellings of a header's name count as one of ours, as back ends fold them.
import { describe, expect, test } from "vitest";
import {
  AUTHORIZATION,
  DAMAGED,
  OTHER,
  SPOOFED,
  TRACEPARENT,
  TRACESTATE,
  watchHeaders,
} from "../../../src/ext-authz/watched-headers.ts";

const watched = watchHeaders([
  "x-auth-subject",
  "x_team",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
]);

function roleOf(name: string): number {
  const bytes = Buffer.from(`<${name}>`, "latin1");
  return watched.roleOf(bytes, 1, bytes.length - 1);
}

describe("hazard 3: name variants that back ends fold into ours", () => {
  test.each([
    "x_auth_subject",
    "x.auth.subject",
    "X_Auth_Subject",
    "x-auth_subject",
    "X.AUTH-Subject",
    "x-team",
    "x.team",
    "X_HTTP_METHOD_OVERRIDE",
    "x-http-method.override",
    "x_http_method",
    "X.Method.Override",
  ])("%s is spoofed", (name) => {
    expect(roleOf(name)).toBe(SPOOFED);
  });

  test.each(["x-auth-subject", "X-Auth-Subject", "x_team", "X_TEAM", "X-HTTP-Method-Override", "x-http-method"])(
    "%s is the managed header itself, which every allow sets or removes",
    (name) => {
      expect(roleOf(name)).toBe(OTHER);
    },
  );

  test.each([
    "x-auth-subjec",
    "x-auth-subjects",
    "xx-auth-subject",
    "x-auth--subject",
    "xauthsubject",
    "x",
    "user-agent",
    ":path",
  ])("%s is nobody's", (name) => {
    expect(roleOf(name)).toBe(OTHER);
  });
});

test.each([
  ["authorization", AUTHORIZATION],
  ["Authorization", AUTHORIZATION],
  ["AUTHORIZATION", AUTHORIZATION],
  ["proxy-authorization", OTHER],
  ["traceparent", TRACEPARENT],
  ["TraceState", TRACESTATE],
])("%s is known in any case", (name, role) => {
  expect(roleOf(name)).toBe(role);
});

test.each([
  "",
  " authorization",
  "authorization ",
  "a b",
  "a\tb",
  "a\u0000",
  "a\r\nb",
  "x-auth-subj\u00e9ct",
  "a\u007f",
])("%j is no header name: the request is damaged", (name) => {
  expect(roleOf(name)).toBe(DAMAGED);
});
