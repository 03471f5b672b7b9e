// What the file says of bound tokens, of tokens that Envoy verifies, and of refusing nothing.

import { expect, test } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";

const ISSUER = "issuer: https://id.example.com, audiences: [orders-api]";

/** Problems where it does not load, else warnings. */
function said(text: string): readonly string[] {
  const loaded = loadConfig("/etc/p.yaml", text, {});
  return (loaded.ok ? loaded.value.warnings : loaded.error).map(formatProblem);
}

test("an issuer whose tokens Envoy verifies has no keys here, and nothing that only a verifier asks", () => {
  expect(said(`issuers: [{ ${ISSUER}, jwks: { envoy: { header: jwt_header } } }]`)).toEqual([]);
  expect(said(`issuers: [{ ${ISSUER}, jwks: { envoy: {} } }]`)).toEqual([
    "/etc/p.yaml:1:85  issuers[0].jwks.envoy  revocations of kind key do not reach this issuer's tokens  header, and header_in_metadata in Envoy's provider",
  ]);
  const both = `jwks: { envoy: {}, url: "https://id.example.com/jwks" }, algorithms: [RS256], profile: jwt`;
  expect(said(`issuers: [{ ${ISSUER}, ${both} }]`)).toEqual([
    expect.stringContaining("issuers[0].jwks  has several sources: url, envoy"),
    expect.stringContaining("issuers[0].algorithms  is not asked where Envoy verifies"),
    expect.stringContaining("issuers[0].profile  is not asked where Envoy verifies"),
  ]);
  // Left to stand, it would look as if a status counted.
  const lists = `statusLists: { uris: ["https://id.example.com/lists/"], maxStaleness: 1m }`;
  expect(said(`issuers: [{ ${ISSUER}, jwks: { envoy: { header: h } }, ${lists} }]`)).toEqual([
    expect.stringContaining("issuers[0].statusLists  is not asked where Envoy verifies"),
  ]);
});

test("such an issuer does not guard the control API", () => {
  expect(said(`issuers: [{ ${ISSUER}, jwks: { envoy: { header: h } } }]\ncontrol: { issuer: main }`)).toEqual([
    expect.stringContaining('control.issuer  is "main": Envoy verifies its tokens'),
  ]);
});

const KEYS = `jwks: { url: "https://id.example.com/jwks" }`;

test("whoever lets bound tokens go unproved, or refuses nothing, is warned", () => {
  expect(said(`issuers: [{ ${ISSUER}, ${KEYS}, senderConstraint: ignore }]`)).toEqual([
    expect.stringContaining("issuers[0].senderConstraint  tokens that are bound to a client are taken from anybody"),
  ]);
  expect(said(`mode: observe\nissuers: [{ ${ISSUER}, ${KEYS} }]`)).toEqual([
    "/etc/p.yaml:1:7  mode  nothing is refused: every call reaches the upstream  enforce, once what it would refuse is right",
  ]);
});

test("a secret for nonces that nobody asks for is a mistake", () => {
  expect(said(`issuers: [{ ${ISSUER}, ${KEYS} }]\ndpop: { nonceSecretFile: /dev/null }`)).toEqual([
    expect.stringContaining("dpop.nonceSecretFile  no nonce is made with it"),
    expect.stringContaining("dpop.nonceSecretFile  the file holds too little"),
  ]);
});

test("the effective configuration loads to itself", () => {
  const text = `issuers: [{ ${ISSUER}, jwks: { envoy: { header: h } }, senderConstraint: mtls }]\ndpop: { nonces: required }`;
  const first = loadConfig("/etc/p.yaml", text, {});
  if (!first.ok) throw new Error(first.error.map(formatProblem).join("\n"));
  const again = loadConfig("/etc/p.yaml", formatConfig(first.value.config), {});
  expect(again.ok && { ...again.value.config, control: undefined }).toEqual({
    ...first.value.config,
    control: undefined,
  });
  expect(first.value.config.control.issuer).toBeUndefined();
});
