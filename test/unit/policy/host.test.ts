// How a host is written once only, and which hosts no rule may be matched against.
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
  ["[0:0:0:0:0:0:0:1]", "[::1]"],
  ["[2001:DB8:0::1]:8080", "[2001:db8::1]"],
  ["localhost", "localhost"],
  ["host123", "host123"],
  ["0xfg", "0xfg"],
  ["a0x1", "a0x1"],
  ["under_score.example", "under_score.example"],
  ["1.2.3.4.nip.io", "1.2.3.4.nip.io"],
  ["", ""],
])("a host is lower-cased, port and trailing dot cut: %j reads as %j", (host, canonical) => {
  expect(canonicalHost(host)).toBe(canonical);
});

test.each([
  "x@pay.example.com",
  "x:y@pay.example.com",
  "pay.example.com:80:80",
  "pay.example.com%00",
  "pay%2Eexample.com",
  "pay.example.com\0",
  "pay.example.com..",
  ".pay.example.com",
  "pay..example.com",
  "pay.example.com/",
  "pay.example.com\\",
  "pay.example.com:8o",
  "pay.example.com:+80",
  "pay.example.com, other.example.com",
  " pay.example.com",
  "pay.example.com\t",
  "pay\u00e3\u0080\u0082example.com",
  "p\u00e4y.example.com",
  "::1",
  "[::1",
  "[::g]",
  "[::1]]",
  "[::1].",
  "[fe80::1%25eth0]",
  "[v1.x]",
  ":80",
  ".",
  "123",
  "127.1",
  "0x7f.0.0.1",
  "0x",
  "0x7f000001",
  "127.0.0.0x1f",
  "127.0.0.01",
  "127.0.0.1.2",
  "256.0.0.1",
])("a host that could mean another one to somebody else has no form at all: %j", (host) => {
  expect(canonicalHost(host)).toBeUndefined();
});
