// Which values of claims can be told in a header as they are, and that the others are told not at all.
import { describe, expect, test } from "vitest";
import { claimText } from "../../../src/ext-authz/claim-text.ts";

describe("a claim's value as a header's", () => {
  test.each([
    ["alice", "alice"],
    ["", ""],
    [undefined, ""],
    [null, ""],
    [[], ""],
    [true, "true"],
    [false, "false"],
    [0, "0"],
    [-1.5, "-1.5"],
    [9007199254740991, "9007199254740991"],
    [["admin", "ops"], "admin ops"],
    [["a", 1, true], "a 1 true"],
    ["a b", "a b"],
    ["Zoë €", "Zoë €"],
    ["x".repeat(4096), "x".repeat(4096)],
    ["é".repeat(2048), "é".repeat(2048)],
  ])("%j is told as %j", (value, text) => {
    expect(claimText(value)).toEqual({ ok: true, value: text });
  });

  test.each([
    ["a header injected behind it", "alice\r\nx-auth-scope: admin"],
    ["a line feed", "a\nb"],
    ["a tab", "a\tb"],
    ["a zero byte", "a\u0000b"],
    ["DEL", "a\u007fb"],
    ["a C1 control", "a\u0085b"],
    ["a leading space", " a"],
    ["a trailing space", "a "],
    ["nothing but a space", " "],
    ["a trailing no-break space", "a\u00a0"],
    ["a lone surrogate", "a\ud800"],
    ["4 KiB and a byte", "x".repeat(4097)],
    ["4 KiB and a byte of UTF-8", `${"é".repeat(2048)}x`],
    ["an object", { role: "admin" }],
    ["an array element with a space", ["admin ops"]],
    ["an empty array element", ["admin", ""]],
    ["a null in an array", [null]],
    ["an array in an array", [["a"]]],
    ["an object in an array", [{}]],
    ["an array longer than 4 KiB", Array.from({ length: 1000 }, () => "admin")],
    ["an integer that lost precision", Number("12345678901234567890")],
    ["infinity, which 1e400 has become", Number.POSITIVE_INFINITY],
  ])("%s is refused, never truncated", (_what, value) => {
    expect(claimText(value)).toEqual({ ok: false, error: "claim_invalid" });
  });
});
