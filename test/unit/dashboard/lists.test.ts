// What the dashboard's page reads of what people paste. It is read in the browser; this is the reading alone.
import { expect, test } from "vitest";
import { readPastedToken } from "../../../dashboard/src/pasted-token.ts";
import { readTargets } from "../../../dashboard/src/target-list.ts";
import { base64url } from "../../support/tokens.ts";

const ISSUERS = [{ id: "main", issuer: "https://id.example.com" }];

function pasted(claims: object): string {
  return `${base64url('{"alg":"ES256"}')}.${base64url(JSON.stringify(claims))}.${base64url("signature")}`;
}

test("a pasted token gives the names by which it can be revoked, of the issuer as it is called here", () => {
  const claims = { iss: "https://id.example.com", jti: "t1", sid: "s1", sub: "Zoë", client_id: "shop", exp: 5 };
  expect(readPastedToken(` Bearer ${pasted(claims)}\n`, ISSUERS)).toEqual({
    issuer: "https://id.example.com",
    issuerId: "main",
    expiresAtS: 5,
    targets: [
      { kind: "token", id: "t1", issuer: "main" },
      { kind: "session", id: "s1", issuer: "main" },
      { kind: "user", id: "Zoë", issuer: "main" },
      { kind: "client", id: "shop", issuer: "main" },
    ],
  });
});

test("a pasted token of another issuer is said to be so; what is no token is none", () => {
  expect(readPastedToken(pasted({ iss: "https://other.example", sub: "x" }), ISSUERS)).toMatchObject({
    issuerId: undefined,
    targets: [{ kind: "user", id: "x" }],
  });
  for (const text of ["", "alice", "a.b", "a.b.c", "..", `x.${base64url("[1")}.y`, `x.${base64url("7")}.y`]) {
    expect(readPastedToken(text, ISSUERS)).toBeUndefined();
  }
});

const targetsOf = (text: string): readonly unknown[] =>
  readTargets(text, "user", "main").map(({ line, target, fault }) => [line, target ?? fault]);

test("a list is an id a line; empty lines and comments are passed over", () => {
  expect(targetsOf("alice\r\n\n# left in May\n bob \n")).toEqual([
    [1, { kind: "user", id: "alice", issuer: "main" }],
    [4, { kind: "user", id: "bob", issuer: "main" }],
  ]);
});

test("what would mean somebody else is told, not revoked: bytes that were no UTF-8, and more columns than are known", () => {
  expect(targetsOf("a\uFFFDb\nusers,alice,main\n")).toEqual([
    [1, "it is no UTF-8 text"],
    [2, "it has more than id,issuer"],
  ]);
});

test("a list is CSV by its header, or as kind,id,issuer", () => {
  expect(targetsOf('issuer,id\npartner,"a, ""b"""\n')).toEqual([
    [2, { kind: "user", id: 'a, "b"', issuer: "partner" }],
  ]);
  expect(targetsOf("session,s1\ntoken,t1,partner\nalice,partner")).toEqual([
    [1, { kind: "session", id: "s1", issuer: "main" }],
    [2, { kind: "token", id: "t1", issuer: "partner" }],
    [3, { kind: "user", id: "alice", issuer: "partner" }],
  ]);
});

test("a line that names nobody, no kind, or a whole token says so, and is sent nowhere", () => {
  expect(targetsOf(`kind,id\ncat,tom\nuser,\nuser,${pasted({ sub: "x" })}`)).toEqual([
    [2, "cat is no kind of target"],
    [3, "it names nobody"],
    [4, "it is a whole token: name it by its jti"],
  ]);
});
