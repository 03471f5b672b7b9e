// Marker keys read back are the ones written, and nothing else is taken for one.
import fc from "fast-check";
import { expect, test } from "vitest";
import { TARGET_KINDS } from "../../../src/core/target.ts";
import { markerKey, namePart } from "../../../src/revocation/keys.ts";
import { asksFor, scanPattern, targetOfKey } from "../../../src/revocation/marker-keys.ts";
import { targetOf } from "../../conformance/store-suite.ts";

const everything = { kind: undefined, issuer: undefined, id: undefined, limit: 1, cursor: undefined };

test("every marker key is read back to its target, its name or the name's hash", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...TARGET_KINDS),
      fc.stringMatching(/^[a-z0-9-]{1,32}$/),
      fc.string({ minLength: 1, maxLength: 200, unit: "binary" }),
      fc.constantFrom("", "p:", "a*b?[c]\\"),
      (kind, issuer, id, prefix) => {
        const target = targetOf(kind, issuer, id);
        const key = markerKey(prefix, target);
        const named = targetOfKey(prefix, key);
        expect(named).toEqual("id" in target ? { ...target, id: namePart(id) } : target);
        if (named === undefined) return;
        expect(asksFor({ ...everything, kind, id: "id" in target ? id : undefined }, prefix, key, named)).toBe(true);
        expect(asksFor({ ...everything, id: `${id}.` }, prefix, key, named)).toBe(false);
      },
    ),
  );
});

test.each([
  "revoked:jti:main",
  "revoked:jti:main:",
  "revoked:jti:Main:a",
  "revoked:jti:main:a b",
  "revoked:jti:main:=short",
  "revoked:xyz:main:a",
  "user:revoked_after:main",
  "issuer:revoked_after:main:a",
  "issuer:revoked_after:",
  "global:revoked_after:main",
  "portcullis:seq",
  "",
  "revoked:jti:main:a\n",
])("%j is no marker's key", (key) => {
  expect(targetOfKey("", key)).toBeUndefined();
});

test("a key with another prefix is no marker's", () => {
  expect(targetOfKey("p:", "q:global:revoked_after")).toBeUndefined();
  expect(targetOfKey("p:", "global:revoked_after")).toBeUndefined();
});

test("the prefix is no pattern", () => {
  expect(scanPattern("a*[b]?\\", everything)).toBe("a\\*\\[b\\]\\?\\\\*revoked*");
  expect(scanPattern("p:", { ...everything, kind: "everything" })).toBe("p:global:revoked_after");
});
