// What the contract has and this version has not: it is refused, or somebody is told what holds instead.

import { expect, it } from "vitest";
import { warningsWith } from "./support.ts";

const SHA256 = "a".repeat(64);

it("a bootstrap token with the sidecars' scope is told that nothing asks for it", () => {
  const token = (scopes: string): string =>
    `control: { tokens: [{ name: a, sha256: ${SHA256}, scopes: [${scopes}] }] }`;
  expect(warningsWith(token("portcullis:read, portcullis:sidecar"))).toEqual([
    "control.tokens[0].scopes[1]  portcullis:sidecar lets nobody do anything in this version",
  ]);
  expect(warningsWith(token("portcullis:read, portcullis:revoke, portcullis:admin"))).toEqual([]);
});

it.each([
  ["feed: { type: redis, scanEvery: 1m, directWriters: false }", []],
  [
    "control: { url: https://pc.example.com }",
    ["control.url  is read by nothing in this version: commands ask at --control or PORTCULLIS_CONTROL_URL"],
  ],
  ["control: { url: http://127.0.0.1:9003 }", []],
  ["control: { url: http://127.0.0.1:9003/ }", []],
  ['control: { url: "http://[::1]:80" }\nlisten: { control: "[::]:80" }', []],
] as const)("%s is warned of where something else holds", (more, warnings) => {
  expect(warningsWith(more)).toEqual(warnings);
});
