// Which keys a token is looked up under, and that none of them is another token's.
import { expect, test } from "vitest";
import { subjectOf } from "../../../src/revocation/subject.ts";
import { principalOf } from "../../support/principal.ts";

const subjectFor = (facts: Parameters<typeof principalOf>[0]): ReturnType<typeof subjectOf> =>
  subjectOf(principalOf({ issuerId: "main", keyId: "k1", ...facts }), "p:", "digest", 30_000);

test("each target of a token has its key, in the order of their kinds", () => {
  const { keys, kinds } = subjectFor({ tokenId: "t1", session: "s1", subject: "u1", tenant: "acme", client: "shop" });
  expect(Object.fromEntries(kinds.map((kind, index) => [kind, keys[index]]))).toEqual({
    token: "p:revoked:jti:main:t1",
    session: "p:revoked:sid:main:s1",
    key: "p:revoked:kid:main:k1",
    user: "p:user:revoked_after:main:u1",
    tenant: "p:tenant:revoked_after:main:acme",
    client: "p:client:revoked_after:main:shop",
    issuer: "p:issuer:revoked_after:main",
    everything: "p:global:revoked_after",
  });
});

test("what tokens share of theirs never makes one's keys another's", () => {
  const one = subjectFor({ tokenId: "t1", session: "s1", subject: "u1", tenant: "acme" });
  const other = subjectFor({ tokenId: "t2", session: "s2", subject: "u2", client: "acme" });
  expect(other.kinds).not.toContain("tenant");
  expect(one.kinds).not.toContain("client");
  expect(one.keys.filter((key) => other.keys.includes(key))).toEqual([
    "p:revoked:kid:main:k1",
    "p:issuer:revoked_after:main",
    "p:global:revoked_after",
  ]);
  expect(subjectFor({ tokenId: "t3" }).kinds).toBe(subjectFor({ tokenId: "t4" }).kinds);
});
