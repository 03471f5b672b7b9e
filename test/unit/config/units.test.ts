// Durations, sizes and addresses: what is one, and that writing and reading are each other's inverse.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAddress, readAddress } from "../../../src/config/address.ts";
import { formatDuration, formatSize, readDuration, readSize } from "../../../src/config/units.ts";

describe("durations and sizes", () => {
  it.each([
    ["250ms", 250],
    ["2s", 2_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["0s", 0],
    ["0ms", 0],
  ])("%s", (text, ms) => {
    expect(readDuration(text)).toBe(ms);
  });

  it.each([
    ["512B", 512],
    ["16KiB", 16_384],
    ["2MiB", 2_097_152],
    ["0B", 0],
  ])("%s", (text, bytes) => {
    expect(readSize(text)).toBe(bytes);
  });

  it.each([
    "",
    "5",
    "s",
    "-1s",
    "+1s",
    "1.5s",
    "1 s",
    " 1s",
    "1s ",
    "1S",
    "01s",
    "1d",
    "1e3s",
    "1s2ms",
    "１s",
    "16KB",
    "16k",
    "16kib",
    "99999999999s",
    "1s\n",
  ])("%j is neither", (text) => expect([readDuration(text), readSize(text)]).toEqual([undefined, undefined]));

  it("are read back as they were written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (amount) => {
        expect(readDuration(formatDuration(amount))).toBe(amount);
        expect(readSize(formatSize(amount))).toBe(amount);
      }),
    );
  });
});

describe("addresses", () => {
  it.each([
    ["127.0.0.1:9001", { kind: "tcp", host: "127.0.0.1", port: 9001 }],
    ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
    ["[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["unix:/run/a.sock", { kind: "unix", path: "/run/a.sock" }],
  ])("%s", (text, address) => {
    expect(readAddress(text)).toEqual(address);
    expect(readAddress(formatAddress(address as never))).toEqual(address);
  });

  it("unix:///path is unix:/path", () => {
    expect(readAddress("unix:///run/a.sock")).toEqual({ kind: "unix", path: "/run/a.sock" });
  });

  it.each([
    "",
    ":9001",
    "9001",
    "host",
    "host:",
    "host:65536",
    "host:-1",
    "host:09",
    "::1:80",
    "[::g]:80",
    "[:::]:1",
    "http://h:1",
    "h/:1",
    "unix:",
    `unix:/${"a".repeat(107)}`,
    "h:1\n",
  ])("%j is none", (text) => expect(readAddress(text)).toBeUndefined());
});
