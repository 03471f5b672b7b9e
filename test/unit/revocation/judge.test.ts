// From a token's facts and its markers to revoked, active or unreadable; what can't be read never counts as nothing.
import { describe, expect, test } from "vitest";
import type { TargetKind } from "../../../src/core/target.ts";
import { judge, readWatermark } from "../../../src/revocation/judge.ts";

const KINDS: readonly TargetKind[] = ["token", "session", "key", "user", "tenant", "client", "issuer", "everything"];
const NOTHING = KINDS.map(() => null);

function judged(kind: TargetKind, value: string, issuedAtS = 1_000): ReturnType<typeof judge> {
  return judge(KINDS, issuedAtS, NOTHING.with(KINDS.indexOf(kind), value as never));
}

test("no key at all is active", () => {
  expect(judge(KINDS, 1_000, NOTHING)).toEqual({ state: "active" });
});

describe("an existence key", () => {
  test.each(["token", "session", "key"] as const)("of a %s revokes whatever its value is", (kind) => {
    for (const value of ["", "1", "no", "{broken", '{"v":1,"issued_before":1}', "null"]) {
      expect(judged(kind, value)).toMatchObject({ state: "revoked", by: { kind } });
    }
  });

  test("gives its revocation id where its value carries one", () => {
    expect(judged("token", '{"v":1,"id":"0198"}')).toEqual({
      state: "revoked",
      by: { kind: "token", revocationId: "0198" },
    });
    expect(judged("token", '{"v":1,"id":7}')).toMatchObject({ by: { revocationId: undefined } });
  });
});

describe("a watermark", () => {
  test.each(["user", "tenant", "client", "issuer", "everything"] as const)(
    "of %s kills what was issued before it",
    (kind) => {
      expect(judged(kind, "1001")).toMatchObject({ state: "revoked", by: { kind } });
      expect(judged(kind, '{"v":1,"id":"r","issued_before":1001}')).toMatchObject({ by: { kind, revocationId: "r" } });
      expect(judged(kind, "1000")).toEqual({ state: "active" });
      expect(judged(kind, '{"v":1,"issued_before":1000}')).toEqual({ state: "active" });
    },
  );

  test("that cannot be read is unreadable, never active", () => {
    for (const value of [
      "",
      " 1",
      "1 ",
      "1.5",
      "0x10",
      "1e3",
      "12345678901234567",
      "{",
      "{}",
      "[1]",
      "null",
      "true",
      '{"issued_before":"1000"}',
      '{"issued_before":null}',
      "yesterday",
    ]) {
      expect(judged("user", value), value).toEqual({ state: "unreadable", kind: "user" });
      expect(readWatermark(value), value).toBeUndefined();
    }
  });

  test("that revokes stands though another cannot be read", () => {
    const values: (string | null)[] = [...NOTHING];
    values[KINDS.indexOf("user")] = "garbage";
    values[KINDS.indexOf("everything")] = "5000";
    expect(judge(KINDS, 1_000, values)).toMatchObject({ state: "revoked", by: { kind: "everything" } });
  });
});
