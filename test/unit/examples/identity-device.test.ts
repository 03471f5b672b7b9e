// What counts as another device and another network, and what does not.
import { describe, expect, test } from "vitest";
import { deviceContext, differenceOf } from "../../../examples/identity-service/device.ts";

const CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36";

describe("a browser is known by family and system", () => {
  test.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"],
    [CHROME, "Chrome on Windows"],
    [`${CHROME} Edg/142.0.0.0`, "Edge on Windows"],
    [`${CHROME} OPR/120.0`, "Opera on Windows"],
    ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1", "Safari on iOS"],
    ["Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"],
    ["curl/8.5.0", "curl"],
    ["", "unknown"],
    ["<script>alert(1)</script>", "unknown"],
    ["x".repeat(5_000), "x".repeat(40)],
  ])("%s", (userAgent, device) => {
    expect(deviceContext(userAgent, "192.0.2.1").device).toBe(device);
  });
});

describe("an address is known by its network", () => {
  test.each([
    ["192.0.2.77", "192.0.2.0/24"],
    ["::ffff:192.0.2.77", "192.0.2.0/24"],
    ["2001:db8:0012::1", "2001:db8:12::/48"],
    ["2001:DB8::1", "2001:db8:0::/48"],
    ["fe80::1%eth0", "fe80:0:0::/48"],
    ["127.0.0.1", "this machine"],
    ["::1", "this machine"],
    ["", "unknown"],
  ])("%s", (address, network) => {
    expect(deviceContext("", address).network).toBe(network);
  });
});

test("an update or another host of the network is the same, another browser or network is not", () => {
  const was = deviceContext(CHROME, "192.0.2.1");
  const updated = CHROME.replace("142", "143");
  expect(differenceOf(was, deviceContext(updated, "192.0.2.200"))).toBeUndefined();
  expect(differenceOf(was, deviceContext(CHROME, "198.51.100.1"))).toBe("network");
  expect(differenceOf(was, deviceContext("curl/8", "192.0.2.1"))).toBe("device");
  expect(differenceOf(was, deviceContext("curl/8", "198.51.100.1"))).toBe("device+network");
});

test("countries are compared where both are known", () => {
  const was = deviceContext(CHROME, "192.0.2.1", "de");
  expect(was.country).toBe("DE");
  expect(differenceOf(was, deviceContext(CHROME, "192.0.2.1", "DE"))).toBeUndefined();
  expect(differenceOf(was, deviceContext(CHROME, "198.51.100.1", "FR"))).toBe("country");
  expect(differenceOf(was, deviceContext("curl/8", "198.51.100.1", "FR"))).toBe("device+country");
  for (const unknown of ["", "XX", "T1", "Germany"])
    expect(differenceOf(was, deviceContext(CHROME, "192.0.2.1", unknown))).toBeUndefined();
});
