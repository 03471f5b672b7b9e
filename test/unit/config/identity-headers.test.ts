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

  it.each(["X-User", "x user", ":path", "x-üser", '""', "x-user:"])("%s is no header name", (name) => {
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

  it("are one to back ends that fold . and _ into -", () => {
    expect(problemsWith("identity: { headers: { x-user-id: sub, x_user.id: jti } }")).toEqual([
      'identity.headers["x_user.id"]  is read as "x-user-id" by back ends that take . and _ for -',
    ]);
  });
});
