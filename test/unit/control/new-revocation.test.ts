// What a request becomes: its instant rounded to the safe side, and a life that outlasts every token it is meant for.
import { describe, expect, test } from "vitest";
import { newRevocation, type IssuerLimits, type RevocationRequest } from "../../../src/control/new-revocation.ts";

const MAIN: IssuerLimits = {
  id: "main",
  issuer: "https://id.example.com",
  maxLifetimeMs: 3_600_000,
  clockSkewMs: 30_000,
};
const LONG: IssuerLimits = {
  id: "long",
  issuer: "https://long.example.com",
  maxLifetimeMs: 86_400_000,
  clockSkewMs: 5_000,
};
const NOW_MS = 1_700_000_000_250;
const MAIN_LIFE_MS = 3_600_000 + 60_000 + 60_000;

function ask(request: Partial<RevocationRequest> & Pick<RevocationRequest, "target">, issuers = [MAIN]) {
  return newRevocation({ reason: "lost phone", ...request }, issuers, { id: "id-1", by: "ci", nowMs: NOW_MS });
}

function asked(...args: Parameters<typeof ask>) {
  const result = ask(...args);
  if (!result.ok) throw new Error(`${result.error.pointer} ${result.error.detail}`);
  return result.value;
}

function refused(...args: Parameters<typeof ask>): string {
  const result = ask(...args);
  if (result.ok) throw new Error("was not refused");
  return `${result.error.pointer} ${result.error.detail}`;
}

const ALICE = { kind: "user", issuer: "main", id: "alice" } as const;

test("a watermark is rounded up, so that a token issued within the second of the revocation dies too", () => {
  expect(asked({ target: ALICE }).issuedBeforeS).toBe(1_700_000_001);
});

test("a marker lives as long as the longest token, twice the clock skew and a minute for the store's clock", () => {
  expect(asked({ target: { kind: "token", id: "j" } }).expiresAtMs).toBe(NOW_MS + MAIN_LIFE_MS);
});

test("the life is counted from issued_before where that lies ahead", () => {
  const aheadS = 1_700_000_200;
  expect(asked({ target: ALICE, issuedBefore: aheadS }).expiresAtMs).toBe(aheadS * 1_000 + MAIN_LIFE_MS);
  const agoS = 1_600_000_000;
  expect(asked({ target: ALICE, issuedBefore: agoS })).toMatchObject({
    issuedBeforeS: agoS,
    expiresAtMs: NOW_MS + MAIN_LIFE_MS,
  });
});

test("everything lives as long as the longest token of any issuer", () => {
  const { target, expiresAtMs } = asked({ target: { kind: "everything" } }, [MAIN, LONG]);
  expect(target).toEqual({ kind: "everything" });
  expect(expiresAtMs).toBe(1_700_000_001_000 + 86_400_000 + 10_000 + 60_000);
});

test("a token itself is kept neither as an id nor in a reason", () => {
  const jwt = ['{"alg":"ES256"}', '{"sub":"alice"}', "signature"]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");
  expect(refused({ target: { kind: "token", id: jwt } })).toMatch(/^\/target\/id holds a token itself/);
  expect(refused({ target: ALICE, reason: `stole ${jwt}` })).toMatch(/^\/reason holds a token itself/);
});

test("a key stands until lifted, whatever expiry was asked for", () => {
  expect(asked({ target: { kind: "key", id: "k1" } }).expiresAtMs).toBeUndefined();
  expect(asked({ target: { kind: "key", id: "k1" }, expiresAt: NOW_MS + 1_000 }).expiresAtMs).toBeUndefined();
});

describe("expiresAt may lengthen a marker's life and never shorten it below its tokens'", () => {
  test.each([
    ["a second", NOW_MS + 1_000, NOW_MS + MAIN_LIFE_MS],
    ["one less than needed", NOW_MS + MAIN_LIFE_MS - 1, NOW_MS + MAIN_LIFE_MS],
    ["a day", NOW_MS + 86_400_000, NOW_MS + 86_400_000],
  ])("%s", (_, expiresAt, expected) => {
    expect(asked({ target: { kind: "session", id: "s" }, expiresAt }).expiresAtMs).toBe(expected);
  });
});

test("the issuer may be left out where there is one, and must be named where there are two", () => {
  expect(asked({ target: { kind: "user", id: "alice" } }).target).toEqual(ALICE);
  expect(refused({ target: { kind: "user", id: "alice" } }, [MAIN, LONG])).toBe(
    "/target/issuer an issuer is required, one of: main, long",
  );
});

test("an issuer may be named as its tokens name it, byte for byte", () => {
  const named = (issuer: string) => ({ target: { kind: "user", issuer, id: "alice" } }) as const;
  expect(asked(named("https://id.example.com"), [MAIN, LONG]).target).toEqual(ALICE);
  expect(refused(named("https://id.example.com/"), [MAIN, LONG])).toBe(
    "/target/issuer no such issuer; known are: main, long",
  );
});

test("a name as long as a token's may be can be revoked", () => {
  const id = "é".repeat(2_048);
  expect(asked({ target: { kind: "token", id } }).target).toEqual({ kind: "token", issuer: "main", id });
});

describe("what cannot be meant is refused with its place", () => {
  test.each<[string, RevocationRequest["target"], Partial<RevocationRequest>]>([
    ["/target/issuer no such issuer; known are: main", { kind: "user", issuer: "man", id: "a" }, {}],
    ["/target/id a target of kind user needs an id", { kind: "user" }, {}],
    ["/target/id a target of kind token needs an id", { kind: "token", id: "" }, {}],
    ["/target/id a target of kind issuer has no id", { kind: "issuer", id: "main" }, {}],
    ["/target/id a target of kind everything has no id", { kind: "everything", id: "x" }, {}],
    ["/target/issuer everything has no issuer", { kind: "everything", issuer: "main" }, {}],
    ["/target/id is longer than 4096 bytes", { kind: "user", id: "é".repeat(2_049) }, {}],
    ["/target/id is not well-formed Unicode, so no token can hold it", { kind: "user", id: "a\ud800" }, {}],
    ["/reason a reason is required: somebody will ask later", ALICE, { reason: " \u00a0" }],
    ["/reason is longer than 512 characters", ALICE, { reason: "x".repeat(513) }],
    ["/reason holds a control character or line break", ALICE, { reason: "a\nb" }],
    ["/reason holds a control character or line break", ALICE, { reason: "\u001b[2J" }],
    ["/reason holds a control character or line break", ALICE, { reason: "a\u2028b" }],
    ["/reason is not well-formed Unicode", ALICE, { reason: "a\udc00" }],
    [
      "/issuedBefore a session is revoked whenever it was issued: leave issuedBefore out",
      { kind: "session", id: "s" },
      { issuedBefore: 1 },
    ],
    [
      "/issuedBefore lies more than 300 s ahead; it is in epoch seconds, now 1700000000",
      ALICE,
      { issuedBefore: 1_700_000_301 },
    ],
    [
      "/issuedBefore lies more than 300 s ahead; it is in epoch seconds, now 1700000000",
      ALICE,
      { issuedBefore: NOW_MS },
    ],
    [`/expiresAt lies in the past; it is in epoch milliseconds, now ${NOW_MS}`, ALICE, { expiresAt: 1_700_003_600 }],
    [
      `/expiresAt lies in the past; it is in epoch milliseconds, now ${NOW_MS}`,
      { kind: "key", id: "k" },
      { expiresAt: NOW_MS },
    ],
    ["/expiresAt lies beyond the year 2100", ALICE, { expiresAt: 4_102_444_800_001 }],
  ])("%s", (expected, target, rest) => {
    expect(refused({ target, ...rest })).toBe(expected);
  });
});

test("five minutes ahead is still taken", () => {
  expect(asked({ target: ALICE, issuedBefore: 1_700_000_300 }).issuedBeforeS).toBe(1_700_000_300);
});
