// Which htu of a DPoP proof names a request as Envoy saw it.

import { expect, test } from "vitest";
import { isTargetOf, type RequestTarget } from "../../../src/ext-authz/request-target.ts";

const AT: RequestTarget = { scheme: "https", host: "api.example.com", port: 8443, path: "/orders/7" };

test.each([
  "https://api.example.com/orders/7",
  "HTTPS://API.example.com:443/orders/7",
  "https://api.example.com/orders/7?page=2#top",
  "https://api.example.com/orders/./x/../7",
  "https://api.example.com/%6Frders/7",
  // Envoy cut the listener's own port off the host (strip_matching_host_port).
  "https://api.example.com:8443/orders/7",
])("names it: %s", (htu) => {
  expect(isTargetOf(htu, AT)).toBe(true);
});

test.each([
  ["another scheme", "http://api.example.com/orders/7"],
  ["another host", "https://evil.example.com/orders/7"],
  ["a host that only begins like it", "https://api.example.com.evil.example/orders/7"],
  ["a user that looks like it", "https://api.example.com@evil.example/orders/7"],
  ["a user", "https://me@api.example.com/orders/7"],
  ["another port", "https://api.example.com:9443/orders/7"],
  ["another path", "https://api.example.com/orders/8"],
  ["a path below", "https://api.example.com/orders/7/"],
  ["an encoded slash", "https://api.example.com/orders%2F7"],
  ["a backslash", "https://api.example.com\\orders\\7"],
  ["a relative one", "/orders/7"],
  ["another kind of URL", "file:///orders/7"],
  ["white space", " https://api.example.com/orders/7"],
  ["a tab inside", "https://api.example.com/ord\ters/7"],
  ["nothing", ""],
])("does not name it: %s", (_what, htu) => {
  expect(isTargetOf(htu, AT)).toBe(false);
});

test("a port that stands in the host is the only one", () => {
  const at = { ...AT, host: "api.example.com:9443" };
  expect(isTargetOf("https://api.example.com:9443/orders/7", at)).toBe(true);
  expect(isTargetOf("https://api.example.com:8443/orders/7", at)).toBe(false);
  expect(isTargetOf("https://api.example.com/orders/7", at)).toBe(false);
});

test("a path without one meaning is named by nothing", () => {
  expect(isTargetOf("https://api.example.com/orders/7", { ...AT, path: undefined })).toBe(false);
});

test("a literal address is the same however it is written", () => {
  const at = { ...AT, host: "[0:0:0:0:0:0:0:1]:8443" };
  expect(isTargetOf("https://[::1]:8443/orders/7", at)).toBe(true);
});

test.each(["c..d", "api.example.com:80:80", "me@api.example.com"])("nor is a host without one meaning: %s", (host) => {
  expect(isTargetOf("https://a..b/orders/7", { ...AT, host })).toBe(false);
});
