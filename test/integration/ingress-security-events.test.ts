// Shared Signals pushed by RFC 8935 to a real control server, with really signed tokens. docs/ingress.md has the table.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import { startControlPlane, type Answer } from "../support/control-plane.ts";
import {
  accessToken,
  eventToken,
  issuerUnread,
  issuerWithoutKeys,
  logoutToken,
  nowS,
  startIngress,
  strangersKey,
  TRANSMITTER,
  type IngressPlane,
} from "../support/ingress.ts";
import { ISSUER, type Json } from "../support/tokens.ts";

const PATH = "/ssf/events";
const CAEP = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC = "https://schemas.openid.net/secevent/risc/event-type/";
const SSF = "https://schemas.openid.net/secevent/ssf/event-type/";

let plane: IngressPlane;
beforeAll(async () => {
  plane = await startIngress();
});
afterAll(() => plane.stop());

function push(token: string, headers: Readonly<Record<string, string>> = {}, to = plane): Promise<Answer> {
  return to.call("POST", PATH, { body: token, headers: { "content-type": "application/secevent+jwt", ...headers } });
}

const event = (type: string, payload: Json = {}) => ({ events: { [type]: payload } });
const user = (sub: string) => ({ format: "iss_sub", iss: ISSUER, sub });
const opaque = (id: string) => ({ format: "opaque", id });

/** Sends it to a plane of its own; the status, and what stands revoked afterwards. */
async function outcome(claims: Json): Promise<readonly [number, readonly string[]]> {
  const own = await startIngress();
  const { status } = await push(eventToken(claims), {}, own);
  const revoked = await own.revoked();
  await own.stop();
  return [status, revoked];
}

describe("what each event revokes", () => {
  const complex = { format: "complex", user: user("u"), session: opaque("s"), device: opaque("d") };
  test.each([
    ["session-revoked of a session", event(`${CAEP}session-revoked`), complex, ["session:s"]],
    ["session-revoked of a user", event(`${CAEP}session-revoked`), user("u"), ["user:u"]],
    [
      "session-revoked of an opaque id: whichever it is",
      event(`${CAEP}session-revoked`),
      opaque("x"),
      ["session:x", "user:x"],
    ],
    [
      "session-revoked of an opaque id as older drafts have it",
      event(`${CAEP}session-revoked`),
      { subject_type: "opaque", id: "x" },
      ["session:x", "user:x"],
    ],
    [
      "session-revoked of a token",
      event(`${CAEP}session-revoked`),
      { format: "jwt_id", iss: ISSUER, jti: "j" },
      ["token:j"],
    ],
    [
      "credential-change",
      event(`${CAEP}credential-change`, { credential_type: "password", change_type: "update" }),
      complex,
      ["user:u"],
    ],
    ["token-claims-change", event(`${CAEP}token-claims-change`, { claims: { role: "ro" } }), user("u"), ["user:u"]],
    [
      "token-claims-change of a token",
      event(`${CAEP}token-claims-change`, { claims: {} }),
      { format: "jwt_id", iss: ISSUER, jti: "j" },
      ["token:j"],
    ],
    [
      "token-claims-change of a session",
      event(`${CAEP}token-claims-change`, { claims: {} }),
      { format: "complex", session: opaque("s") },
      ["session:s"],
    ],
    [
      "a device no longer compliant",
      event(`${CAEP}device-compliance-change`, { current_status: "not-compliant" }),
      complex,
      ["user:u"],
    ],
    [
      "a device compliant again",
      event(`${CAEP}device-compliance-change`, { current_status: "compliant" }),
      complex,
      [],
    ],
    ["account-disabled", event(`${RISC}account-disabled`, { reason: "hijacking" }), user("u"), ["user:u"]],
    ["account-purged", event(`${RISC}account-purged`), user("u"), ["user:u"]],
    [
      "credential-compromise",
      event(`${RISC}credential-compromise`, { credential_type: "password" }),
      user("u"),
      ["user:u"],
    ],
    ["sessions-revoked", event(`${RISC}sessions-revoked`), user("u"), ["user:u"]],
    ["an event that is not known", event("https://example.com/other"), user("u"), []],
    ["a stream's verification", event(`${SSF}verification`, { state: "VGhpcyBpcw" }), opaque("stream-1"), []],
    ["a stream's update", event(`${SSF}stream-updated`, { status: "paused" }), opaque("stream-1"), []],
  ])("%s", async (_what, events, sub_id, revoked) => {
    expect(await outcome({ ...events, sub_id })).toEqual([202, revoked]);
  });

  test("several events of one token each do their work", async () => {
    const events = { [`${RISC}account-disabled`]: {}, [`${CAEP}session-revoked`]: {}, "urn:other": {} };
    const sub_id = { format: "complex", user: user("u"), session: opaque("s") };
    expect(await outcome({ events, sub_id })).toEqual([202, ["session:s", "user:u"]]);
  });
});

describe("who is meant (RFC 9493, Shared Signals §3)", () => {
  const disabled = event(`${RISC}account-disabled`);
  test.each([
    ["an opaque id", opaque("u"), ["user:u"]],
    [
      "an e-mail address, where it is configured to be a sub",
      { format: "email", email: "u@x.example" },
      ["user:u@x.example"],
    ],
    [
      "aliases, of which those count that are known",
      { format: "aliases", identifiers: [user("u"), { format: "phone_number", phone_number: "+1" }] },
      ["user:u"],
    ],
    ["a complex subject without a format, as in older drafts", { user: user("u") }, ["user:u"]],
    ["subject_type, as in older drafts", { subject_type: "iss-sub", iss: ISSUER, sub: "u" }, ["user:u"]],
  ])("%s", async (_what, sub_id, revoked) => {
    expect(await outcome({ ...disabled, sub_id })).toEqual([202, revoked]);
  });

  test("the subject may stand in the event, as in older drafts", async () => {
    const events = { [`${RISC}account-disabled`]: { subject: user("u") } };
    expect(await outcome({ events, sub_id: undefined })).toEqual([202, ["user:u"]]);
  });

  test.each([
    ["of another issuer", { ...user("u"), iss: "https://other.example.com" }],
    ["of the transmitter itself, who issues no tokens here", { ...user("u"), iss: TRANSMITTER }],
    ["of a format that names nobody here", { format: "phone_number", phone_number: "+1" }],
    ["of a format nobody knows", { format: "constructor", constructor: "u" }],
    ["without a value", { format: "opaque" }],
    ["whose value is no text", { format: "opaque", id: 7 }],
    ["of nested aliases", { format: "aliases", identifiers: [{ format: "aliases", identifiers: [user("u")] }] }],
    ["of a device alone", { format: "complex", device: opaque("d") }],
    ["that is no object", "u"],
    ["that is not there", undefined],
  ])("a subject %s is refused: nobody is guessed at, nothing is acknowledged", async (_what, sub_id) => {
    const before = await plane.revoked();
    const answer = await push(eventToken({ ...disabled, sub_id }));
    expect([answer.status, answer.json["err"]]).toEqual([400, "invalid_request"]);
    expect(await plane.revoked()).toEqual(before);
  });

  test("a device's state that is not known is refused", async () => {
    const events = event(`${CAEP}device-compliance-change`, { current_status: "odd" });
    expect((await push(eventToken(events))).status).toBe(400);
  });
});

describe("a token is refused with 400 and its err (RFC 8935 §2.4), and nothing is revoked", () => {
  test.each([
    ["signed by a stranger", "authentication_failed", () => eventToken({}, { kid: "t1" }, strangersKey)],
    ["with an unknown key", "invalid_key", () => eventToken({}, { kid: "other" })],
    ["of an algorithm not allowed", "invalid_key", () => eventToken({}, { alg: "RS256" })],
    ["of an issuer who is no transmitter", "invalid_issuer", () => eventToken({ iss: ISSUER })],
    ["without iss", "invalid_issuer", () => eventToken({ iss: undefined })],
    ["for another audience", "invalid_audience", () => eventToken({ aud: ["https://other.example.com"] })],
    ["without aud", "invalid_audience", () => eventToken({ aud: undefined })],
    ["of no type (SSF §4.1.1)", "invalid_request", () => eventToken({}, { typ: undefined })],
    ["of the type JWT", "invalid_request", () => eventToken({}, { typ: "JWT" })],
    ["that is an access token", "invalid_request", () => eventToken({}, { typ: "at+jwt" })],
    ["that is a logout token of another issuer", "invalid_issuer", () => logoutToken()],
    ["that is an access token of another issuer", "invalid_issuer", () => accessToken()],
    ["without jti", "invalid_request", () => eventToken({ jti: undefined })],
    ["without iat", "invalid_request", () => eventToken({ iat: undefined })],
    ["from the future", "invalid_request", () => eventToken({ iat: nowS() + 300 })],
    ["with an exp that has passed", "invalid_request", () => eventToken({ iat: nowS() - 900, exp: nowS() - 600 })],
    ["without events", "invalid_request", () => eventToken({ events: undefined })],
    ["with no event in it", "invalid_request", () => eventToken({ events: {} })],
    [
      "with an event that is no object",
      "invalid_request",
      () => eventToken({ events: { [`${CAEP}session-revoked`]: true } }),
    ],
    ["that is no JWT", "invalid_request", () => "nonsense"],
  ])("%s", async (_what, error, tokenOf) => {
    const before = await plane.revoked();
    const answer = await push(tokenOf());
    expect([answer.status, answer.json["err"]]).toEqual([400, error]);
    expect(answer.json["description"]).toMatch(/./);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("content-language")).toBe("en");
    expect(await plane.revoked()).toEqual(before);
  });
});

describe("a good token", () => {
  test("needs no exp, and is answered 202 without a word (RFC 8935 §2.2)", async () => {
    const answer = await push(eventToken(), { accept: "application/json" });
    expect([answer.status, answer.text]).toEqual([202, ""]);
  });

  test("counts from when it was issued, however long it was under way", async () => {
    const sub = randomUUID();
    const iat = nowS() - 7_200;
    expect((await push(eventToken({ iat, sub_id: user(sub) }))).status).toBe(202);
    const { items } = (await plane.call("GET", `/v1/revocations?kind=user&id=${sub}`)).json;
    expect(items).toMatchObject([
      { issued_before: iat + 1, by: "ssf:risk", reason: "Shared Signals: session-revoked" },
    ]);
  });

  test("sent again is answered alike and revokes nothing anew (RFC 8935 §2)", async () => {
    const sub = randomUUID();
    const token = eventToken({ sub_id: user(sub) });
    const find = async () => (await plane.call("GET", `/v1/revocations?kind=user&id=${sub}`)).json.items;
    expect((await push(token)).status).toBe(202);
    const [first] = await find();
    await plane.call("DELETE", `/v1/revocations/${first?.id}`);
    expect((await push(token)).status).toBe(202);
    expect(await find()).toEqual([]);
  });

  test("with a jti that meant somebody else is refused", async () => {
    const jti = randomUUID();
    expect((await push(eventToken({ jti, sub_id: user("one") }))).status).toBe(202);
    expect((await push(eventToken({ jti, sub_id: user("two") }))).json["err"]).toBe("invalid_request");
  });
});

test("the request is of its media type, a POST, and of bounded size (RFC 8935 §2.1)", async () => {
  for (const type of ["application/jwt", "application/json", "text/plain"]) {
    expect((await push(eventToken(), { "content-type": type })).status).toBe(415);
  }
  expect((await plane.call("GET", PATH, {})).headers.get("allow")).toBe("POST");
  expect((await push("x".repeat(40_000))).json["err"]).toBe("invalid_request");
  expect((await push("x".repeat(70_000))).status).toBe(413);
});

test("while the store is out nothing is acknowledged: 503, and the same token does its work later", async () => {
  let isOut = true;
  const other = await startIngress({
    around: (store) => ({
      ...store,
      put: (revocation) => (isOut ? Promise.resolve(err({ cause: "timeout", detail: "" })) : store.put(revocation)),
    }),
  });
  const token = eventToken();
  const answer = await push(token, {}, other);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  isOut = false;
  expect((await push(token, {}, other)).status).toBe(202);
  expect(await other.revoked()).toEqual(["user:alice"]);
  await other.stop();
});

test("while the transmitter's keys are away no token is called bad: 503", async () => {
  const other = await startIngress({}, issuerWithoutKeys);
  expect((await push(eventToken(), {}, other)).status).toBe(503);
  await other.stop();
});

test("a token whose kid could not be looked for is not called bad: 503; one whose kid is absent is", async () => {
  const other = await startIngress({}, issuerUnread);
  const token = eventToken({}, { kid: "absent" });
  const answer = await push(token, {}, other);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await push(token)).json["err"]).toBe("invalid_key");
  await other.stop();
});

test("strangers are charged before anything is verified, transmitters are not charged as strangers", async () => {
  const other = await startIngress({ strangerRate: { perSecond: 0.001, burstCount: 2 } });
  const send = async (token: string) => (await push(token, {}, other)).status;
  expect([await send(eventToken()), await send(eventToken()), await send(eventToken())]).toEqual([202, 202, 202]);
  expect([await send("a"), await send("b"), await send(eventToken())]).toEqual([400, 400, 429]);
  await other.stop();
});

test("nothing said, logged or audited holds the token or its subject", async () => {
  const sub = randomUUID();
  const token = eventToken({ ...event(`${RISC}account-disabled`), sub_id: { format: "opaque", id: { sub } } });
  const said = [(await push(token)).text, plane.logged(), (await plane.call("GET", "/v1/audit")).text];
  for (const text of said) for (const secret of [token.slice(0, 60), sub]) expect(text).not.toContain(secret);
});

test("where no transmitter is configured there is no such path", async () => {
  const closed = await startControlPlane();
  expect((await closed.call("POST", PATH, {})).status).toBe(404);
  await closed.stop();
});
