// Identity headers that another header, Envoy or a folding back end would make into something else.

import { describe, expect, it } from "vitest";
import { configWith, problemsWith } from "./support.ts";

describe("identity headers", () => {
  it("replace the defaults and keep their claims", () => {
    expect(configWith("identity: { headers: { x-user: sub, x-mail: email } }").identity.headers).toEqual([
      { name: "x-user", claim: "sub" },
      { name: "x-mail", claim: "email" },
    ]);
    expect(configWith("identity: { headers: {} }").identity.headers).toEqual([]);
  });

  it.each(["x user", ":path", "x-üser", '""', "x-user:"])("%s is no header name", (name) => {
    expect(problemsWith(`identity: { headers: { "${name.replaceAll('"', "")}": sub } }`)[0]).toMatch(
      /is no header name$/,
    );
  });

  it.each([
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "x-auth-assurance",
    "x_auth_assurance",
    "x-http-method-override",
    "x-envoy-original-path",
    "x.envoy.internal",
    "x-forwarded-for",
  ])("%s has another meaning", (name) => {
    expect(problemsWith(`identity: { headers: { "${name}": sub } }`)).toEqual([
      expect.stringMatching(/is a header with another meaning$/),
    ]);
  });

  it("may be written in any case, and are one whatever their case", () => {
    expect(configWith("identity: { headers: { X-User: sub, x-MAIL: email } }").identity.headers).toEqual([
      { name: "x-user", claim: "sub" },
      { name: "x-mail", claim: "email" },
    ]);
    expect(problemsWith("identity: { headers: { x-user: sub, X-User: email } }")).toEqual([
      'identity.headers.X-User  is the same header as "x-user"',
    ]);
  });

  it.each(["Authorization", "X-Envoy-Original-Path", "X-Auth-Assurance"])("%s has another meaning, too", (name) => {
    expect(problemsWith(`identity: { headers: { ${name}: sub } }`)).toEqual([
      expect.stringMatching(/is a header with another meaning$/),
    ]);
  });

  it("are one to back ends that fold . and _ into -", () => {
    expect(problemsWith("identity: { headers: { x-user-id: sub, x_user.id: jti } }")).toEqual([
      'identity.headers["x_user.id"]  is read as "x-user-id" by back ends that take . and _ for -',
    ]);
  });
});
