// How a path is written once only, and every way known here in which one could mean two things.
import { describe, expect, test } from "vitest";
import { canonicalPath, type Ambiguity } from "../../../src/policy/path.ts";

const ORDINARY: readonly (readonly [raw: string, canonical: string])[] = [
  ["/%E0x80", "/%E0x80"],
  ["/%E0%41", "/%E0A"],
  ["/", "/"],
  ["/a", "/a"],
  ["/a/", "/a/"],
  ["/a/b.c/d-e_f~g", "/a/b.c/d-e_f~g"],
  ["/a?x=1", "/a"],
  ["/a?x=%2F..;#\u00ff\u0000", "/a"],
  ["/?", "/"],
  ["/a%20b", "/a%20b"],
  ["/caf%C3%A9", "/caf%C3%A9"],
  ["/caf%c3%a9", "/caf%C3%A9"],
  ["/%E2%82%AC", "/%E2%82%AC"],
  ["/%e0%a0%80", "/%E0%A0%80"],
  ["/%F0%9F%98%80", "/%F0%9F%98%80"],
  ["/%F4%8F%BF%BF", "/%F4%8F%BF%BF"],
  ["/%41dmin", "/Admin"],
  ["/%61dmin", "/admin"],
  ["/%7euser", "/~user"],
  ["/a%2db%5Fc", "/a-b_c"],
  ["/a%2Ejson", "/a.json"],
  ["/100%25", "/100%25"],
  ["/100%25/x", "/100%25/x"],
  ["/%25g0", "/%25g0"],
  ["/%25a", "/%25a"],
  ["/a%3Fb", "/a%3Fb"],
  ["/a%23b", "/a%23b"],
  ["/a%3fb", "/a%3Fb"],
  ["/a+b@c:d!$&'()*,=", "/a+b@c:d!$&'()*,="],
  ["/%2a", "/%2A"],
  ["//", "/"],
  ["//a", "/a"],
  ["/a//b", "/a/b"],
  ["/a///b//", "/a/b/"],
  ["/.", "/"],
  ["/./a", "/a"],
  ["/a/.", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a/..", "/"],
  ["/a/../b", "/b"],
  ["/a/b/..", "/a/"],
  ["/a/b/../", "/a/"],
  ["/a/b/../../c", "/c"],
  ["/a/%2e%2e/b", "/b"],
  ["/a/.%2E/b", "/b"],
  ["/a/%2E/b", "/a/b"],
  ["/a/..//b", "/b"],
  ["/a/.//b", "/a/b"],
  ["/...", "/..."],
  ["/.../a", "/.../a"],
  ["/.well-known/x", "/.well-known/x"],
  ["/a/.hidden", "/a/.hidden"],
  ["/a..b", "/a..b"],
  ["/a/..b", "/a/..b"],
  ["/a/b..", "/a/b.."],
  ["/a%2e%2e", "/a.."],
];

describe("a path that has one meaning", () => {
  test.each(ORDINARY)("%j reads as %j", (raw, canonical) => {
    expect(canonicalPath(raw)).toEqual({ ok: true, value: canonical });
  });
});

const controls = [...Array(0x21).keys(), 0x7f].map((code) => code);
const hex = (code: number): string => code.toString(16).padStart(2, "0");

const AMBIGUOUS: readonly (readonly [raw: string, why: Ambiguity])[] = [
  // not a path: CONNECT, OPTIONS *, absolute form
  ["", "no_leading_slash"],
  ["*", "no_leading_slash"],
  ["a", "no_leading_slash"],
  ["?a=/b", "no_leading_slash"],
  ["http://pay.example.com/admin", "no_leading_slash"],
  ["example.com:443", "no_leading_slash"],
  ["%2Fadmin", "no_leading_slash"],
  ["\\admin", "no_leading_slash"],
  // encoded slash, backslash, semicolon (CVE-2021-29492)
  ["/admin%2Fusers", "encoded_character"],
  ["/admin%2fusers", "encoded_character"],
  ["/public/..%2Fadmin", "encoded_character"],
  ["/public%2F..%2Fadmin", "encoded_character"],
  ["/%2F", "encoded_character"],
  ["/a%5Cb", "encoded_character"],
  ["/a%5cb", "encoded_character"],
  ["/..%5Cadmin", "encoded_character"],
  ["/a%3Bb", "encoded_character"],
  ["/a%3bjsessionid=1/b", "encoded_character"],
  // raw ones
  ["/a\\b", "raw_character"],
  ["/public\\..\\admin", "raw_character"],
  ["/a;b", "raw_character"],
  ["/public/..;/admin", "raw_character"],
  ["/admin;jsessionid=1", "raw_character"],
  ["/;/admin", "raw_character"],
  ["/a#b", "raw_character"],
  ["/a#?b", "raw_character"],
  ["/#", "raw_character"],
  ["/a\u0080", "raw_character"],
  ["/caf\u00e9", "raw_character"],
  ["/caf\u00c3\u00a9", "raw_character"],
  ["/a\u00ff", "raw_character"],
  ["/a\u2215b", "raw_character"],
  ...controls.map((code) => [`/a${String.fromCharCode(code)}b`, "raw_character"] as const),
  ...controls.filter((code) => code !== 0x20).map((code) => [`/a%${hex(code)}b`, "encoded_character"] as const),
  // damaged escapes
  ["/%", "damaged_escape"],
  ["/%2", "damaged_escape"],
  ["/a%", "damaged_escape"],
  ["/a%zz", "damaged_escape"],
  ["/a%2g", "damaged_escape"],
  ["/a%g2", "damaged_escape"],
  ["/a%%", "damaged_escape"],
  ["/a%%32%46", "damaged_escape"],
  ["/a%2%46", "damaged_escape"],
  ["/a% 20", "raw_character"],
  ["/a%/20", "damaged_escape"],
  ["/a%u002f", "damaged_escape"],
  ["/a%+2", "damaged_escape"],
  ["/a%2?5", "damaged_escape"],
  ["/a%-1", "damaged_escape"],
  ["/a%0x", "damaged_escape"],
  // encoded twice, before and after decoding
  ["/a%252Fb", "encoded_twice"],
  ["/a%252fb", "encoded_twice"],
  ["/%252e%252e/admin", "encoded_twice"],
  ["/a%25%32%46b", "encoded_twice"],
  ["/a%25%32fb", "encoded_twice"],
  ["/a%252%46b", "encoded_twice"],
  ["/a%25%36%31", "encoded_twice"],
  ["/a%2525", "encoded_twice"],
  ["/a%25252F", "encoded_twice"],
  ["/a%2500", "encoded_twice"],
  // never UTF-8, and overlong
  ["/a%C0%AF", "not_utf8"],
  ["/a%c0%ae", "not_utf8"],
  ["/a%C1%9C", "not_utf8"],
  ["/a%F5%80%80%80", "not_utf8"],
  ["/a%f8", "not_utf8"],
  ["/a%FE", "not_utf8"],
  ["/a%ff", "not_utf8"],
  ["/a%E0%80%AF", "not_utf8"],
  ["/a%e0%9f%bf", "not_utf8"],
  ["/a%F0%80%80%AF", "not_utf8"],
  ["/a%f0%8f%bf%bf", "not_utf8"],
  // above the root
  ["/..", "above_root"],
  ["/../", "above_root"],
  ["/../admin", "above_root"],
  ["/a/../..", "above_root"],
  ["/a/../../admin", "above_root"],
  ["/%2e%2e/admin", "above_root"],
  ["/.%2e", "above_root"],
  ["/./..", "above_root"],
  ["/a/b/../../../c", "above_root"],
  // `..` behind an empty segment: `/admin/x` to one reader, `/x` to another
  ["/admin//../x", "dots_after_empty_segment"],
  ["//..", "dots_after_empty_segment"],
  ["//../admin", "dots_after_empty_segment"],
  ["/a//b/../../c", "dots_after_empty_segment"],
  ["/a//%2e%2e/c", "dots_after_empty_segment"],
];

describe("a path that could mean one rule to us and another to the upstream", () => {
  test("is tried in more than a hundred ways here", () => {
    expect(new Set(AMBIGUOUS.map(([raw]) => raw)).size).toBe(AMBIGUOUS.length);
    expect(AMBIGUOUS.length).toBeGreaterThan(100);
  });

  test.each(AMBIGUOUS)("%j is refused: %s", (raw, why) => {
    expect(canonicalPath(raw)).toEqual({ ok: false, error: why });
  });
});
