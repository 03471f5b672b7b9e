// What one may look for and this version has not: it is refused, or somebody is told what holds instead.

import { expect, it } from "vitest";
import { warningsWith } from "./support.ts";

it.each([
  ["feed: { type: redis, scanEvery: 1m, directWriters: false }", []],
  [
    "control: { url: https://pc.example.com }",
    [
      "control.url  is read by sidecars that report, with control.reportToken: commands ask at --control or PORTCULLIS_CONTROL_URL",
    ],
  ],
  ["control: { url: https://pc.example.com, reportToken: abc }", []],
  ["control: { url: http://pc:9003, reportToken: abc }", ["control.url  gets the report token in the clear"]],
  ["control: { url: http://127.0.0.1:9003 }", []],
  ["control: { url: http://127.0.0.1:9003/ }", []],
  ['control: { url: "http://[::1]:80" }\nlisten: { control: "[::]:80" }', []],
] as const)("%s is warned of where something else holds", (more, warnings) => {
  expect(warningsWith(more)).toEqual(warnings);
});
