// From which URLs keys may be fetched, whether an operator wrote them or a document names them.
import { describe, expect, test } from "vitest";
import { metadataUrls, trustedUrl } from "../../../src/token/jwks-url.ts";

describe("a URL written in the configuration", () => {
  const trusted = (url: string, allowHttp = false): boolean =>
    trustedUrl(url, { writtenBy: "configuration", allowHttp }) !== undefined;

  test.each([
    "https://id.example.com/jwks",
    "http://127.0.0.1:8080/jwks",
    "http://127.9.9.9/",
    "http://localhost:1/",
    "http://[::1]:80/",
  ])("is read: %s", (url) => expect(trusted(url)).toBe(true));

  test.each([
    "http://id.example.com/jwks",
    "http://169.254.169.254/",
    "http://127.0.0.1.example.com/",
    "http://localhost.example.com/",
    "http://[::2]/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "data:application/json,{}",
    "not a URL",
    "",
  ])("is not read: %s", (url) => expect(trusted(url)).toBe(false));

  test("is read over http where the operator says so", () => {
    expect(trusted("http://id.internal/jwks", true)).toBe(true);
    expect(trusted("file:///etc/passwd", true)).toBe(false);
  });
});

describe("a URL found in a document", () => {
  const at = (found: string): URL => new URL(found);
  const trusted = (url: string, found: string): boolean =>
    trustedUrl(url, { writtenBy: "document", at: at(found) }) !== undefined;

  test.each([
    ["https", "https://keys.example.net/jwks", "https://id.example.com/.well-known/openid-configuration", true],
    [
      "http on the loopback origin the document came from",
      "http://127.0.0.1:8080/jwks",
      "http://127.0.0.1:8080/m",
      true,
    ],
    ["http on another port of loopback", "http://127.0.0.1:9090/jwks", "http://127.0.0.1:8080/m", false],
    ["http on another name of loopback", "http://localhost:8080/jwks", "http://127.0.0.1:8080/m", false],
    ["loopback named by a stranger", "http://127.0.0.1:8080/jwks", "https://id.example.com/m", false],
    ["http on the origin of an issuer allowed http", "http://id.internal/jwks", "http://id.internal/m", false],
    ["a link-local address", "http://169.254.169.254/latest", "http://127.0.0.1:8080/m", false],
    ["a file", "file:///etc/passwd", "https://id.example.com/m", false],
  ])("%s", (_what, url, found, expected) => expect(trusted(url, found)).toBe(expected));
});

test.each([
  [
    "https://id.example.com",
    "https://id.example.com/.well-known/openid-configuration",
    "https://id.example.com/.well-known/oauth-authorization-server",
  ],
  [
    "https://id.example.com/",
    "https://id.example.com/.well-known/openid-configuration",
    "https://id.example.com/.well-known/oauth-authorization-server",
  ],
  [
    "https://id.example.com/realms/a",
    "https://id.example.com/realms/a/.well-known/openid-configuration",
    "https://id.example.com/.well-known/oauth-authorization-server/realms/a",
  ],
])("the metadata of %s is looked for by OpenID Connect and then by RFC 8414", (issuer, oidc, oauth) => {
  expect(metadataUrls(issuer)).toEqual([oidc, oauth]);
});
