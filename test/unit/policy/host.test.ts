import { expect, test } from "vitest";
import { canonicalHost } from "../../../src/policy/host.ts";

test.each([
  ["pay.example.com", "pay.example.com"],
  ["PAY.Example.COM", "pay.example.com"],
  ["pay.example.com:443", "pay.example.com"],
  ["pay.example.com:", "pay.example.com"],
  ["pay.example.com.", "pay.example.com"],
  ["Pay.Example.com.:8443", "pay.example.com"],
  ["127.0.0.1:9001", "127.0.0.1"],
  ["[::1]:80", "[::1]"],
  ["[::1]", "[::1]"],
  ["[2001:DB8::1]:8080", "[2001:db8::1]"],
  ["::1", "::1"],
  ["localhost", "localhost"],
  ["host123", "host123"],
  [":80", ""],
  ["123", "123"],
  ["", ""],
])("a host is lower-cased, port and trailing dot cut: %j reads as %j", (host, canonical) => {
  expect(canonicalHost(host)).toBe(canonical);
});
