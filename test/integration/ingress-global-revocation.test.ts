// Global token revocation by subject identifiers (RFC 9493) at a real control server. docs/ingress.md has the table.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import { startControlPlane } from "../support/control-plane.ts";
import { startIngress, type IngressPlane } from "../support/ingress.ts";
import { ISSUER } from "../support/tokens.ts";

const PATH = "/global-token-revocation";
let plane: IngressPlane;
beforeAll(async () => {
  plane = await startIngress();
});
afterAll(() => plane.stop());

function revoke(body: unknown, token: string | undefined = plane.tokens.revoker) {
  return plane.call("POST", PATH, { token, body });
}

const alice = { format: "iss_sub", iss: ISSUER, sub: "alice" };

test("all that a user began before now is revoked, by whoever asks for it: 204", async () => {
  const before = Math.floor(Date.now() / 1_000);
  const answer = await revoke({ sub_id: alice });
  expect([answer.status, answer.text]).toEqual([204, ""]);
  const [found] = (await plane.call("GET", "/v1/revocations?kind=user&id=alice")).json.items;
  expect(found).toMatchObject({ by: "ci", reason: "Global token revocation" });
  expect((found as unknown as { issued_before: number }).issued_before).toBeGreaterThan(before);
});

test.each([
  ["an opaque id", { format: "opaque", id: "bob" }, "bob"],
  ["a format configured to be a sub", { format: "email", email: "carol@example.com" }, "carol@example.com"],
  ["aliases", { format: "aliases", identifiers: [{ format: "opaque", id: "dave" }] }, "dave"],
])("%s names a user", async (_what, sub_id, id) => {
  expect((await revoke({ sub_id })).status).toBe(204);
  expect(await plane.revoked()).toContain(`user:${id}`);
});

test.each([
  ["of an issuer that is not here", { ...alice, iss: "https://other.example.com" }],
  ["of a format that names nobody here", { format: "phone_number", phone_number: "+1" }],
  ["that is a token", { format: "jwt_id", iss: ISSUER, jti: "j" }],
  ["that is a session", { format: "complex", session: { format: "opaque", id: "s" } }],
  ["that is too long for any key", { format: "opaque", id: "x".repeat(4_097) }],
])("a subject %s is 422, and nothing is revoked", async (_what, sub_id) => {
  const before = await plane.revoked();
  const answer = await revoke({ sub_id });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
  expect(await plane.revoked()).toEqual(before);
});

describe("who may", () => {
  test("nobody alone, where users need a second person: 403, and nothing is revoked", async () => {
    const careful = await startIngress({ secondPerson: ["user"] });
    const answer = await careful.call("POST", PATH, { token: careful.tokens.admin, body: { sub_id: alice } });
    expect([answer.status, answer.json["code"]]).toEqual([403, "second_person_required"]);
    expect(answer.text).toContain("POST /v1/revocations");
    expect(await careful.revoked()).toEqual([]);
    await careful.stop();
  });

  test("nobody without a bearer, nor with one that is not good: 401", async () => {
    expect((await plane.call("POST", PATH, { body: { sub_id: alice } })).status).toBe(401);
    expect((await revoke({ sub_id: alice }, "x".repeat(43))).status).toBe(401);
  });

  test("nobody without portcullis:revoke: 403", async () => {
    expect((await revoke({ sub_id: alice }, plane.tokens.reader)).status).toBe(403);
  });
});

test("the request has a sub_id with a format, in JSON: 400, 415", async () => {
  for (const body of [{}, { sub_id: "alice" }, { sub_id: {} }, "{"]) expect((await revoke(body)).status).toBe(400);
  const typed = await plane.call("POST", PATH, {
    token: plane.tokens.revoker,
    body: "sub_id=alice",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(typed.status).toBe(415);
});

test("while the store is out nothing is acknowledged: 503", async () => {
  const other = await startIngress({
    around: (store) => ({ ...store, put: async () => err({ cause: "timeout", detail: "" }) }),
  });
  const answer = await other.call("POST", PATH, { token: other.tokens.revoker, body: { sub_id: alice } });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  await other.stop();
});

test("where it is closed there is no such path", async () => {
  const closed = await startControlPlane();
  expect((await closed.call("POST", PATH, { token: closed.tokens.revoker, body: { sub_id: alice } })).status).toBe(404);
  await closed.stop();
});
