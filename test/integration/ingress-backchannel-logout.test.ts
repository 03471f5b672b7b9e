// OpenID Connect Back-Channel Logout 1.0 at a real control server, with really signed tokens. docs/ingress.md has the table.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import { startControlPlane } from "../support/control-plane.ts";
import {
  accessToken,
  issuerUnread,
  issuerWithoutKeys,
  logoutToken,
  nowS,
  startIngress,
  strangersKey,
  type IngressPlane,
} from "../support/ingress.ts";
import { base64url, type Json } from "../support/tokens.ts";

const PATH = "/backchannel-logout";
const EVENT = "http://schemas.openid.net/event/backchannel-logout";
let plane: IngressPlane;
beforeAll(async () => {
  plane = await startIngress();
});
afterAll(() => plane.stop());

function logout(logout_token: string) {
  return plane.form(PATH, { logout_token });
}

/** What the revocation of this target says, if it stands. */
async function standing(kind: string, id: string): Promise<Json | undefined> {
  return (await plane.call("GET", `/v1/revocations?kind=${kind}&id=${id}`)).json.items[0];
}

describe("a good logout token", () => {
  test("with a sid ends that session, and is answered 200 without a word, not to be kept (§2.7, §2.8)", async () => {
    const sid = randomUUID();
    const answer = await logout(logoutToken({ sid }));
    expect([answer.status, answer.text, answer.headers.get("cache-control")]).toEqual([200, "", "no-store"]);
    expect(await standing("session", sid)).toMatchObject({ by: "logout:main" });
    expect(await standing("user", "alice")).toBeUndefined();
  });

  test("with a sub alone ends all sessions begun before it, by its issuer's clock (§2.7)", async () => {
    const sub = randomUUID();
    const iat = nowS() - 20;
    expect((await logout(logoutToken({ sub, sid: undefined, iat }))).status).toBe(200);
    expect(await standing("user", sub)).toMatchObject({ issued_before: iat + 1 });
  });

  test.each([
    ["logout+jwt", "logout+jwt"],
    ["application/logout+jwt, in any case", "application/Logout+JWT"],
    ["JWT", "JWT"],
    ["none at all", undefined],
  ])("may have the type %s (§2.4)", async (_what, typ) => {
    expect((await logout(logoutToken({}, { typ }))).status).toBe(200);
  });

  test("may be for several audiences, if each is ours (§2.6, Core §3.1.3.7)", async () => {
    expect((await logout(logoutToken({ aud: ["shop", "shop-mobile"] }))).status).toBe(200);
  });
});

describe("a token is refused with 400 and nothing is revoked (§2.6)", () => {
  const unsigned = (claims: Json) =>
    `${base64url(JSON.stringify({ alg: "none", typ: "logout+jwt" }))}.${base64url(JSON.stringify(claims))}.`;
  test.each([
    ["signed by a stranger (2)", "bad_signature", (sid: string) => logoutToken({ sid }, {}, strangersKey)],
    [
      "not signed at all (2)",
      "algorithm_not_allowed",
      (sid: string) => unsigned({ iss: "https://id.example.com", sid }),
    ],
    [
      "of an algorithm not allowed (4)",
      "algorithm_not_allowed",
      (sid: string) => logoutToken({ sid }, { alg: "RS256" }),
    ],
    ["with an unknown key", "unknown_key", (sid: string) => logoutToken({ sid }, { kid: "other" })],
    ["of an unknown issuer (3)", "unknown_issuer", (sid: string) => logoutToken({ sid, iss: "https://evil.example" })],
    ["without iss (3)", "unknown_issuer", (sid: string) => logoutToken({ sid, iss: undefined })],
    ["for another audience (3)", "wrong_audience", (sid: string) => logoutToken({ sid, aud: "cart" })],
    [
      "for another audience beside ours (3)",
      "wrong_audience",
      (sid: string) => logoutToken({ sid, aud: ["shop", "x"] }),
    ],
    ["without aud (3)", "wrong_audience", (sid: string) => logoutToken({ sid, aud: undefined })],
    ["expired (3)", "expired", (sid: string) => logoutToken({ sid, iat: nowS() - 300, exp: nowS() - 60 })],
    ["without exp (3)", "claim_invalid", (sid: string) => logoutToken({ sid, exp: undefined })],
    ["without iat (3)", "claim_invalid", (sid: string) => logoutToken({ sid, iat: undefined })],
    [
      "from the future (3)",
      "not_yet_valid",
      (sid: string) => logoutToken({ sid, iat: nowS() + 90, exp: nowS() + 120 }),
    ],
    [
      "good for longer than any jti is remembered",
      "lifetime_too_long",
      (sid: string) => logoutToken({ sid, exp: nowS() + 90_000 }),
    ],
    ["with neither sub nor sid (5)", "claim_invalid", () => logoutToken({ sub: undefined, sid: undefined })],
    ["with a sid that is no text", "claim_invalid", () => logoutToken({ sid: 7 })],
    ["without events (6)", "wrong_type", (sid: string) => logoutToken({ sid, events: undefined })],
    ["with events that are no object (6)", "wrong_type", (sid: string) => logoutToken({ sid, events: [EVENT] })],
    ["with another event (6)", "wrong_type", (sid: string) => logoutToken({ sid, events: { "urn:other": {} } })],
    [
      "with an event that is no object (6)",
      "wrong_type",
      (sid: string) => logoutToken({ sid, events: { [EVENT]: true } }),
    ],
    ["with a nonce (7)", "wrong_type", (sid: string) => logoutToken({ sid, nonce: "n" })],
    ["without jti (§2.4)", "claim_invalid", (sid: string) => logoutToken({ sid, jti: undefined })],
    ["that is an access token", "wrong_type", (sid: string) => accessToken({ sid, aud: "shop" })],
    ["that is a security event token", "wrong_type", (sid: string) => logoutToken({ sid }, { typ: "secevent+jwt" })],
    ["that brings its own key", "unsupported_token", (sid: string) => logoutToken({ sid }, { jwk: {} })],
    ["that is no JWT", "malformed_token", () => "nonsense"],
  ])("%s", async (_what, reason, tokenOf) => {
    const sid = randomUUID();
    const before = await plane.revoked();
    const answer = await logout(tokenOf(sid));
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: "invalid_request" });
    expect(answer.json["error_description"]).toContain(reason);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await plane.revoked()).toEqual(before);
  });

  test("and a good one with its signature's last character replaced", async () => {
    const token = logoutToken({ sid: randomUUID() });
    const last = token.endsWith("A") ? "Q" : "A";
    expect((await logout(`${token.slice(0, -1)}${last}`)).status).toBe(400);
  });
});

describe("a jti that was seen (§2.6, 8)", () => {
  test("is answered alike, and revokes nothing anew", async () => {
    const sid = randomUUID();
    const token = logoutToken({ sid });
    expect((await logout(token)).status).toBe(200);
    const first = await standing("session", sid);
    expect((await logout(token)).status).toBe(200);
    expect(await standing("session", sid)).toEqual(first);
    await plane.call("DELETE", `/v1/revocations/${String(first?.["id"])}`);
    expect((await logout(token)).status).toBe(200);
    expect(await standing("session", sid)).toBeUndefined();
  });

  test("means nobody else: under another sid it is refused", async () => {
    const jti = randomUUID();
    const other = randomUUID();
    expect((await logout(logoutToken({ jti, sid: randomUUID() }))).status).toBe(200);
    expect((await logout(logoutToken({ jti, sid: other }))).status).toBe(400);
    expect(await standing("session", other)).toBeUndefined();
  });

  test("is not used up by an attempt that failed", async () => {
    let isOut = true;
    const other = await startIngress({
      around: (store) => ({
        ...store,
        put: (revocation) => (isOut ? Promise.resolve(err({ cause: "timeout", detail: "" })) : store.put(revocation)),
      }),
    });
    const logout_token = logoutToken({ sid: "s" });
    const answer = await other.form(PATH, { logout_token });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([503, "no-store"]);
    isOut = false;
    expect((await other.form(PATH, { logout_token })).status).toBe(200);
    expect(await other.revoked()).toEqual(["session:s"]);
    await other.stop();
  });
});

describe("the request (§2.5)", () => {
  test.each([
    ["no logout_token", "token=x"],
    ["an empty one", "logout_token="],
    ["two of them", "logout_token=a&logout_token=b"],
  ])("with %s is refused with 400", async (_what, body) => {
    const answer = await plane.form(PATH, body);
    expect([answer.status, answer.json["error"]]).toEqual([400, "invalid_request"]);
  });

  test("may have other parameters, which mean nothing", async () => {
    expect((await plane.form(PATH, { logout_token: logoutToken(), other: "x" })).status).toBe(200);
  });

  test("is a form, and a POST, and of bounded size", async () => {
    expect((await plane.call("POST", PATH, { body: { logout_token: logoutToken() } })).status).toBe(415);
    expect((await plane.call("GET", PATH, {})).headers.get("allow")).toBe("POST");
    expect((await logout("x".repeat(40_000))).status).toBe(400);
    expect((await logout("x".repeat(70_000))).status).toBe(413);
  });
});

test("while its issuer's keys are away no token is called bad: 503", async () => {
  const other = await startIngress({}, issuerWithoutKeys);
  const answer = await other.form(PATH, { logout_token: logoutToken() });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  await other.stop();
});

test("a token whose kid could not be looked for is not called bad: 503; one whose kid is absent is", async () => {
  const other = await startIngress({}, issuerUnread);
  const logout_token = logoutToken({}, { kid: "absent" });
  const answer = await other.form(PATH, { logout_token });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await plane.form(PATH, { logout_token })).status).toBe(400);
  await other.stop();
});

test("strangers are charged before anything is verified, senders are not charged as strangers", async () => {
  const other = await startIngress({ strangerRate: { perSecond: 0.001, burstCount: 2 } });
  const send = async (logout_token: string) => (await other.form(PATH, { logout_token })).status;
  const good = [await send(logoutToken()), await send(logoutToken()), await send(logoutToken())];
  expect(good).toEqual([200, 200, 200]);
  expect([await send("a"), await send("b"), await send(logoutToken())]).toEqual([400, 400, 429]);
  await other.stop();
});

test("refusals are audited, and nothing said, logged or audited holds the token", async () => {
  const good = logoutToken();
  const bad = logoutToken({}, {}, strangersKey);
  const answers = [await logout(good), await logout(bad)];
  const audited = (await plane.call("GET", "/v1/audit")).text;
  expect(audited).toContain('"bad_signature"');
  expect(audited).toContain('"logout:main"');
  for (const said of [...answers.map(({ text }) => text), plane.logged(), audited]) {
    for (const token of [good, bad]) expect(said).not.toContain(token.slice(0, 60));
  }
});

test("where nobody is configured there is no such path", async () => {
  const closed = await startControlPlane();
  expect((await closed.call("POST", PATH, {})).status).toBe(404);
  await closed.stop();
});
