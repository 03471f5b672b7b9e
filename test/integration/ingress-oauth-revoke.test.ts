// Token revocation (RFC 7009) at a real control server, with really signed tokens. docs/ingress.md has the table.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import { startControlPlane } from "../support/control-plane.ts";
import {
  accessToken,
  issuer,
  issuerUnread,
  issuerWithoutKeys,
  nowS,
  startIngress,
  strangersKey,
  type IngressPlane,
} from "../support/ingress.ts";
import { createTestKey } from "../support/tokens.ts";

const absentKey = createTestKey("ES256", "absent");
const PATH = "/oauth/revoke";
let plane: IngressPlane;
beforeAll(async () => {
  plane = await startIngress();
});
afterAll(() => plane.stop());

function revoke(
  fields: Readonly<Record<string, string>> | string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
) {
  return plane.form(PATH, fields, headers);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (user: string) => ({ authorization: `Basic ${Buffer.from(`${user}:secret`).toString("base64")}` });

/** Whether the marker of this jti stands. */
async function isRevoked(jti: string): Promise<boolean> {
  return (await plane.call("GET", `/v1/check?kind=token&id=${jti}`)).json["revoked"] === true;
}

describe("a token that verifies is its own authority", () => {
  test("it is revoked by its jti, and the answer is 200 without a word (§2.2)", async () => {
    const jti = randomUUID();
    const answer = await revoke({ token: accessToken({ jti }) });
    expect([answer.status, answer.text, answer.headers.get("cache-control")]).toEqual([200, "", "no-store"]);
    expect(await isRevoked(jti)).toBe(true);
  });

  test("a hint may be wrong, and is not heeded (§2.1)", async () => {
    const jti = randomUUID();
    expect((await revoke({ token: accessToken({ jti }), token_type_hint: "refresh_token" })).status).toBe(200);
    expect(await isRevoked(jti)).toBe(true);
  });

  test("once more is 200 again (§2.2)", async () => {
    const token = accessToken();
    expect([(await revoke({ token })).status, (await revoke({ token })).status]).toEqual([200, 200]);
  });

  test("its marker ends with the verified exp, not with the longest life there may be", async () => {
    const [jti, exp] = [randomUUID(), nowS() + 100];
    await revoke({ token: accessToken({ jti, exp }) });
    const { items } = (await plane.call("GET", `/v1/revocations?kind=token&id=${jti}`)).json;
    expect(items).toMatchObject([{ expires_at: (exp + 60 + 60) * 1_000, by: "oauth:main/alice" }]);
  });

  test.each([
    ["in the form", "shop", {}],
    ["by HTTP Basic, whose password is not looked at", "", basic("shop")],
  ])("a client_id that is its own is fine %s", async (_where, client_id, headers) => {
    const jti = randomUUID();
    expect((await revoke({ token: accessToken({ jti }), client_id }, headers)).status).toBe(200);
    expect(await isRevoked(jti)).toBe(true);
  });

  test.each([
    ["in the form", { client_id: "thief" }, {}, "invalid_grant"],
    ["by HTTP Basic", {}, basic("thief"), "invalid_grant"],
    ["with two names", { client_id: "shop" }, basic("thief"), "invalid_request"],
  ])("another client is refused and told %s (§2.1)", async (_where, fields, headers, error) => {
    const jti = randomUUID();
    const answer = await revoke({ token: accessToken({ jti }), ...fields }, headers);
    expect([answer.status, answer.json["error"]]).toEqual([400, error]);
    expect(await isRevoked(jti)).toBe(false);
  });

  test("one without jti can't be revoked by itself (§2.2.1)", async () => {
    const other = await startIngress({}, { ...issuer, requireJti: false });
    const answer = await other.form(PATH, { token: accessToken({ jti: undefined }) });
    expect([answer.status, answer.json["error"]]).toEqual([400, "unsupported_token_type"]);
    await other.stop();
  });
});

describe("a token that is not good is 200, and nothing happens (§2.2)", () => {
  test.each([
    ["signed by a stranger", (jti: string) => accessToken({ jti }, strangersKey)],
    ["expired", (jti: string) => accessToken({ jti, iat: nowS() - 900, exp: nowS() - 300 })],
    ["of another audience", (jti: string) => accessToken({ jti, aud: "cart-api" })],
    ["of an unknown issuer", (jti: string) => accessToken({ jti, iss: "https://other.example.com" })],
    ["under a kid that the issuer's keys, read for it, lack", (jti: string) => accessToken({ jti }, absentKey)],
    ["no JWT at all", () => "opaque-refresh-token"],
  ])("%s", async (_what, tokenOf) => {
    const jti = randomUUID();
    const answer = await revoke({ token: tokenOf(jti) });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(await isRevoked(jti)).toBe(false);
  });
});

describe("a bearer with portcullis:revoke may revoke any", () => {
  test("but not alone where tokens need a second person; their holder may", async () => {
    const careful = await startIngress({ secondPerson: ["token"] });
    const [jti, headers] = [randomUUID(), bearer(careful.tokens.admin)];
    for (const token of [accessToken({ jti }), accessToken({ jti, aud: "cart-api" })]) {
      const answer = await careful.form(PATH, { token }, headers);
      expect([answer.status, answer.json["code"]]).toEqual([403, "second_person_required"]);
    }
    expect(await careful.revoked()).toEqual([]);
    expect((await careful.form(PATH, { token: accessToken({ jti }) })).status).toBe(200);
    expect(await careful.revoked()).toEqual([`token:${jti}`]);
    await careful.stop();
  });

  test("one that has another audience, for which no exp is believed", async () => {
    const jti = randomUUID();
    const answer = await revoke(
      { token: accessToken({ jti, aud: "cart-api", exp: nowS() + 10 }) },
      bearer(plane.tokens.revoker),
    );
    expect(answer.status).toBe(200);
    const { items } = (await plane.call("GET", `/v1/revocations?kind=token&id=${jti}`)).json;
    expect(items).toMatchObject([{ by: "ci" }]);
    expect((items[0] as unknown as { expires_at: number }).expires_at).toBeGreaterThan((nowS() + 3_600) * 1_000);
  });

  test("one that nobody here knows is 200 all the same", async () => {
    const before = await plane.revoked();
    expect((await revoke({ token: "opaque" }, bearer(plane.tokens.revoker))).status).toBe(200);
    expect(await plane.revoked()).toEqual(before);
  });

  test.each([
    ["a bearer nobody knows", "x".repeat(43), 401],
    ["one without the scope", undefined, 403],
  ])("%s opens nothing", async (_what, token, status) => {
    const jti = randomUUID();
    const answer = await revoke({ token: accessToken({ jti }) }, bearer(token ?? plane.tokens.reader));
    expect(answer.status).toBe(status);
    expect(await isRevoked(jti)).toBe(false);
  });

  test("two Authorization headers are refused", async () => {
    const headers = new Headers(bearer(plane.tokens.revoker));
    headers.append("authorization", "Bearer other");
    const answer = await revoke({ token: accessToken() }, Object.fromEntries(headers));
    expect(answer.status).toBe(401);
  });
});

describe("the request (§2.1)", () => {
  test.each([
    ["no token", "token_type_hint=access_token"],
    ["an empty token", "token="],
    ["a parameter twice", "token=a&token=b"],
    ["bytes that are no UTF-8", new Uint8Array([...Buffer.from("token=a"), 0xff])],
  ])("with %s is invalid_request", async (_what, body) => {
    const answer = await revoke(body);
    expect([answer.status, answer.json["error"]]).toEqual([400, "invalid_request"]);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  });

  test("is a form, and a POST, and of bounded size", async () => {
    expect((await plane.call("POST", PATH, { body: { token: accessToken() } })).status).toBe(415);
    expect((await plane.call("GET", `${PATH}?token=${accessToken()}`, {})).headers.get("allow")).toBe("POST");
    expect((await revoke({ token: "x".repeat(70_000) })).status).toBe(413);
  });
});

test("nothing logged or audited holds the token, nor does any answer", async () => {
  const token = accessToken();
  const answers = [
    await revoke({ token }),
    await revoke({ token, client_id: "thief" }),
    await revoke(`token=${token}&token=`),
  ];
  const audited = (await plane.call("GET", "/v1/audit")).text;
  for (const said of [...answers.map(({ text }) => text), plane.logged(), audited])
    expect(said).not.toContain(token.slice(0, 40));
});

test("while the store is out nothing is acknowledged: 503, to be tried again (§2.2.1)", async () => {
  const other = await startIngress({
    around: (store) => ({ ...store, put: async () => err({ cause: "timeout", detail: "" }) }),
  });
  const answer = await other.form(PATH, { token: accessToken() });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  await other.stop();
});

test("while the issuer's keys are away no token is called bad: 503", async () => {
  const other = await startIngress({}, issuerWithoutKeys);
  const answer = await other.form(PATH, { token: accessToken() });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  await other.stop();
});

test.each([
  ["whose kid could not be looked for", (jti: string) => accessToken({ jti }, absentKey)],
  ["that is not good yet", (jti: string) => accessToken({ jti, nbf: nowS() + 60 })],
])("a token %s is not called bad: 503, but for a bearer who may revoke any", async (_what, tokenOf) => {
  const other = await startIngress({}, issuerUnread);
  const jti = randomUUID();
  const answer = await other.form(PATH, { token: tokenOf(jti) });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await other.revoked()).toEqual([]);
  expect((await other.form(PATH, { token: tokenOf(jti) }, bearer(other.tokens.revoker))).status).toBe(200);
  expect(await other.revoked()).toEqual([`token:${jti}`]);
  await other.stop();
});

test("strangers are charged before anything is verified", async () => {
  const other = await startIngress({ strangerRate: { perSecond: 0.001, burstCount: 2 } });
  const jti = randomUUID();
  expect((await other.form(PATH, { token: "a" })).status).toBe(200);
  expect((await other.form(PATH, { token: "b" })).status).toBe(200);
  expect((await other.form(PATH, { token: accessToken({ jti }) })).status).toBe(429);
  expect(await other.revoked()).toEqual([]);
  await other.stop();
});

test("where it is closed there is no such path", async () => {
  const closed = await startControlPlane();
  expect((await closed.call("POST", PATH, {})).status).toBe(404);
  await closed.stop();
});

test("a jti as long as any may be is revoked; a longer one is in no good token, and who may revoke any is told", async () => {
  const [longest, tooLong] = ["x".repeat(4_096), "x".repeat(4_097)];
  expect((await revoke({ token: accessToken({ jti: longest }) })).status).toBe(200);
  expect(await isRevoked(longest)).toBe(true);
  expect((await revoke({ token: accessToken({ jti: tooLong }) })).status).toBe(200);
  const answer = await revoke({ token: accessToken({ jti: tooLong }) }, bearer(plane.tokens.revoker));
  expect([answer.status, answer.json["error"]]).toEqual([400, "unsupported_token_type"]);
});
