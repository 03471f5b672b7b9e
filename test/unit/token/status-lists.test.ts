// Token Status List: its test vectors, where a token may send us, and which addresses are called.

import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isPublicAddress, lookUpPublic } from "../../../src/token/status/public-address.ts";
import { inflateList, MAX_LIST_BYTES, statusAt } from "../../../src/token/status/status-list.ts";
import { readStatusReference } from "../../../src/token/status/status-reference.ts";

describe("the lists of the specification (§4.1)", () => {
  test.each([
    [1, "78dadbb918000217015d", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
    [2, "78da3be9f2130003df0207", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
  ] as const)("of %i bits", async (bits, hex, expected) => {
    const statuses = await inflateList(Buffer.from(hex, "hex"));
    if (!statuses.ok) throw new Error(statuses.error);
    expect(expected.map((_, index) => statusAt(statuses.value, bits, index))).toEqual(expected);
    expect(statusAt(statuses.value, bits, expected.length)).toBeUndefined();
  });

  test("of 4 and 8 bits are read from the least significant bit", () => {
    expect([0, 1, 2].map((index) => statusAt(Buffer.from([0xa3]), 4, index))).toEqual([3, 10, undefined]);
    expect([0, 1].map((index) => statusAt(Buffer.from([0xa3]), 8, index))).toEqual([0xa3, undefined]);
  });
});

test("a list that unpacks beyond the bound is refused, however small it came", async () => {
  const bomb = deflateSync(Buffer.alloc(MAX_LIST_BYTES + 1), { level: 9 });
  expect(bomb.length).toBeLessThan(10_000);
  expect((await inflateList(bomb)).ok).toBe(false);
  expect((await inflateList(deflateSync(Buffer.alloc(MAX_LIST_BYTES)))).ok).toBe(true);
  expect((await inflateList(Buffer.from("nonsense"))).ok).toBe(false);
});

describe("where a token may send us", () => {
  const PLACES = ["https://id.example.com/lists/", "https://other.example.com/list"];
  const at = (uri: unknown, idx: unknown = 7) => readStatusReference({ status: { status_list: { uri, idx } } }, PLACES);

  test.each(["https://id.example.com/lists/1", "https://id.example.com/lists/a?b=c", "https://other.example.com/list"])(
    "%s",
    (uri) => {
      expect(at(uri)).toMatchObject({ ok: true, value: { text: uri, index: 7 } });
    },
  );

  test.each([
    "https://evil.example.com/lists/1",
    "https://id.example.com/other",
    "https://id.example.com.evil.example/lists/1",
    "https://id.example.com@evil.example/lists/1",
    "https://id.example.com:444/lists/1",
    "https://id.example.com/lists/../admin",
    "https://id.example.com/lists/%2e%2e/admin",
    "https://id.example.com/lists\\1",
    "HTTPS://id.example.com/lists/1",
    "https://ID.example.com/lists/1",
    "https://id.example.com/lists/1#x",
    "https://id.example.com/lists/ 1",
    "http://id.example.com/lists/1",
    "https://other.example.com/list/2",
    "file:///etc/passwd",
    "",
    7,
    undefined,
  ])("not %j", (uri) => {
    expect(at(uri)).toEqual({ ok: false, error: "claim_invalid" });
  });

  test.each([-1, 0.5, "7", 2 ** 53, undefined])("nor with the index %j", (index) => {
    expect(at("https://id.example.com/lists/1", index ?? null)).toEqual({ ok: false, error: "claim_invalid" });
  });

  test("a token without a status, or with one by another mechanism, has none that is known here", () => {
    expect(readStatusReference({}, PLACES)).toBeUndefined();
    expect(readStatusReference({ status: { other: {} } }, PLACES)).toBeUndefined();
    for (const status of ["x", [], null, { status_list: [] }, { status_list: "x" }]) {
      expect(readStatusReference({ status }, PLACES)).toEqual({ ok: false, error: "claim_invalid" });
    }
  });
});

describe("which addresses are called", () => {
  test.each(["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])(
    "%s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  const INSIDE =
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 " +
    ":: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::a00:1 fe80::1 fc00::1 fd12::1 ff02::1 2002:7f00:1:: 2001:db8::1 name";
  test.each(INSIDE.split(" "))("not %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test("a name that leads inside is not resolved at all", async () => {
    const outcome = await new Promise((resolve) => lookUpPublic("localhost", {}, (failure) => resolve(failure?.code)));
    expect(outcome).toBe("EPRIVATE");
  });
});
