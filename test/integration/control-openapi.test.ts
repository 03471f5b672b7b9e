// The published OpenAPI document is true: it names every route and no other, and real answers have the form that it
// gives.
import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEvents } from "../support/event-stream.ts";
import { eventToken, logoutToken, startIngress, type IngressPlane } from "../support/ingress.ts";
import { until } from "../support/wait.ts";
import { startControlPlane, type Answer, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
let document: Document;
beforeAll(async () => {
  plane = await startControlPlane();
  document = JSON.parse((await plane.call("GET", "/openapi.json", {})).text) as Document;
});
afterAll(() => plane.stop());

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

const AS_DOCUMENTED = "as documented";

/** Whether `answer` is what the document promises for its status and content type, or why it is not. */
async function judge(path: string, method: string, answer: Answer, of = document): Promise<string> {
  const response = of.paths[path]?.[method]?.responses[answer.status];
  if (response === undefined) return `${answer.status} is not documented`;
  if (answer.text === "") return response.content === undefined ? AS_DOCUMENTED : "a body is documented";
  const schema = response.content?.[answer.headers.get("content-type")?.split(";")[0] ?? ""]?.schema;
  if (schema === undefined) return "the content type is not documented";
  return (await judged(schema, answer.json)).payload;
}

function judged(schema: object, payload: object): Promise<{ readonly payload: string }> {
  const validator = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } });
  validator.post("/", { schema: { body: schema } }, () => AS_DOCUMENTED);
  return validator.inject({ method: "POST", url: "/", payload });
}

test("the document is open to all and names every route that exists, and no other", async () => {
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths).toSorted()).toEqual([
    "/openapi.json",
    "/v1/audit",
    "/v1/audit/verify",
    "/v1/check",
    "/v1/events",
    "/v1/events/ws",
    "/v1/explain",
    "/v1/fleet",
    "/v1/fleet/reports",
    "/v1/fleet/summary",
    "/v1/introspect",
    "/v1/relay",
    "/v1/relay/look-ups",
    "/v1/revocations",
    "/v1/revocations/batch",
    "/v1/revocations/pending",
    "/v1/revocations/pending/{id}",
    "/v1/revocations/pending/{id}/approve",
    "/v1/revocations/preview",
    "/v1/revocations/{id}",
  ]);
  for (const [path, item] of Object.entries(document.paths)) {
    const known = ["get", "post", "put", "patch", "delete"].filter((method) => method in item);
    const allow = (await plane.call("PATCH", path.replace("{id}", "x"))).headers.get("allow");
    const allowed = allow
      ?.split(", ")
      .filter((method) => method !== "HEAD")
      .map((method) => method.toLowerCase());
    expect(new Set(allowed)).toEqual(new Set(known));
  }
});

test("the ways in for others' standards that are open are named, and answer in the documented form", async () => {
  const open = await startIngress();
  const other = JSON.parse((await open.call("GET", "/openapi.json", {})).text) as Document;
  const answers: readonly (readonly [string, Answer])[] = [
    ["/oauth/revoke", await open.form("/oauth/revoke", { token: "x" })],
    ["/oauth/revoke", await open.form("/oauth/revoke", "")],
    ["/backchannel-logout", await open.form("/backchannel-logout", { logout_token: logoutToken() })],
    ["/backchannel-logout", await open.form("/backchannel-logout", { logout_token: "x" })],
    ["/ssf/events", await pushed(open, eventToken())],
    ["/ssf/events", await pushed(open, "x")],
    ["/ssf/events", await open.call("POST", "/ssf/events", { body: {} })],
    ["/global-token-revocation", await named(open, { format: "opaque", id: "u" })],
    ["/global-token-revocation", await named(open, { format: "x" })],
    ["/global-token-revocation", await named(open, undefined)],
  ];
  for (const [path, answer] of answers) expect(await judge(path, "post", answer, other)).toBe(AS_DOCUMENTED);
  await open.stop();
});

function pushed(open: IngressPlane, body: string): Promise<Answer> {
  return open.call("POST", "/ssf/events", { body, headers: { "content-type": "application/secevent+jwt" } });
}

function named(open: IngressPlane, sub_id: unknown): Promise<Answer> {
  return open.call("POST", "/global-token-revocation", { token: open.tokens.revoker, body: { sub_id } });
}

test("answers, good and bad, have the documented form", async () => {
  const revoke = (body: unknown, headers = {}) =>
    plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body, headers });
  for (const target of [{ kind: "user", id: "a" }, { kind: "key", id: "k" }, { kind: "everything" }]) {
    expect(await judge("/v1/revocations", "post", await revoke({ target, reason: "r" }))).toBe(AS_DOCUMENTED);
  }
  const { id } = (await revoke({ target: { kind: "token", id: "j" }, reason: "r" }, { "idempotency-key": "k" })).json;
  expect(
    await judge(
      "/v1/revocations",
      "post",
      await revoke({ target: { kind: "user", id: "b" }, reason: "r" }, { "idempotency-key": "k" }),
    ),
  ).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations", "post", await revoke({ target: { kind: "user" }, reason: "r" }))).toBe(
    AS_DOCUMENTED,
  );
  expect(await judge("/v1/revocations", "post", await revoke({ target: {} }))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations", "post", await revoke("x".repeat(70_000)))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations", "get", await plane.call("GET", "/v1/revocations?limit=2"))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations", "get", await plane.call("GET", "/v1/revocations", {}))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/check", "get", await plane.call("GET", "/v1/check?kind=user&id=a"))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/check", "get", await plane.call("GET", "/v1/check?kind=user&id=nobody"))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations/{id}", "get", await plane.call("GET", `/v1/revocations/${id}`))).toBe(
    AS_DOCUMENTED,
  );
  expect(await judge("/v1/revocations/{id}", "get", await plane.call("GET", "/v1/revocations/x"))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/revocations/{id}", "delete", await plane.call("DELETE", `/v1/revocations/${id}`))).toBe(
    AS_DOCUMENTED,
  );
  expect(await judge("/v1/revocations/{id}", "delete", await plane.call("DELETE", `/v1/revocations/${id}`))).toBe(
    AS_DOCUMENTED,
  );
});

test("what introspection answers has the documented form", async () => {
  const active = {
    active: true,
    token_type: "Bearer",
    iss: "i",
    aud: ["a"],
    iat: 1.5,
    exp: 2,
    jti: "j",
    revoked: false,
  };
  for (const value of [{ active: false }, active, { active: false, revoked: true, since: 1, by: "b", reason: "r" }]) {
    const other = await startControlPlane({ introspect: async () => ({ ok: true, value }) });
    const ask = (body: string) =>
      other.call("POST", "/v1/introspect", {
        token: other.tokens.reader,
        body,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
    for (const body of ["token=x", ""]) {
      expect(await judge("/v1/introspect", "post", await ask(body))).toBe(AS_DOCUMENTED);
    }
    await other.stop();
  }
});

test("what the audit trail tells has the documented form, and what is no entry of it too", async () => {
  const other = await startControlPlane();
  await other.call("POST", "/v1/revocations", {
    token: other.tokens.admin,
    body: { target: { kind: "everything" }, reason: "r" },
  });
  await other.call("GET", "/v1/audit", { token: other.tokens.revoker });
  await until("both to be told", async () => (await other.call("GET", "/v1/audit")).json.items.length === 2);
  await other.store.appendAudit(2, { seq: 0, mac: "" }, [{ seq: 1, text: "nonsense", mac: "forged" }]);
  for (const path of ["/v1/audit", "/v1/audit?limit=1", "/v1/audit?cursor=x"]) {
    expect(await judge("/v1/audit", "get", await other.call("GET", path))).toBe(AS_DOCUMENTED);
  }
  const verdict = await other.call("GET", "/v1/audit/verify");
  expect(verdict.json["valid"]).toBe(false);
  expect(await judge("/v1/audit/verify", "get", verdict)).toBe(AS_DOCUMENTED);
  await other.store.stop();
  for (const path of ["/v1/audit", "/v1/audit/verify"]) {
    expect(await judge(path, "get", await other.call("GET", path))).toBe(AS_DOCUMENTED);
  }
  await other.stop();
});

test("each line that answers a batch has the documented form", async () => {
  const batch = (body: string, headers = {}) =>
    plane.call("POST", "/v1/revocations/batch", {
      token: plane.tokens.admin,
      body,
      headers: { "content-type": "application/x-ndjson", ...headers },
    });
  const answer = await batch(`{"target":{"kind":"user","id":"a"},"reason":"r"}\n{}\nx\n`);
  const lines = answer.text.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  for (const text of lines) {
    const line = { ...answer, text, json: JSON.parse(text) as Answer["json"] };
    expect(await judge("/v1/revocations/batch", "post", line)).toBe(AS_DOCUMENTED);
  }
  const key = { "idempotency-key": "of-a-batch" };
  await batch(`{"target":{"kind":"user","id":"a"},"reason":"r"}`, key);
  const refused = await batch(`{"target":{"kind":"user","id":"b"},"reason":"r"}`, key);
  expect(refused.status).toBe(422);
  for (const bad of [refused, await batch("{}", { "content-type": "text/plain" })]) {
    expect(await judge("/v1/revocations/batch", "post", bad)).toBe(AS_DOCUMENTED);
  }
});

test("what an event stream tells, and what it refuses, has the documented form", async () => {
  const schemas = document.paths["/v1/events"]?.["get"]?.responses["200"]?.content?.["text/event-stream"]?.schema;
  const stream = await openEvents(`${plane.url}/v1/events?after=0`, plane.tokens.reader);
  const reset = await openEvents(`${plane.url}/v1/events?after=9999`, plane.tokens.reader);
  const told = await plane.call("POST", "/v1/revocations", {
    token: plane.tokens.admin,
    body: { target: { kind: "user", id: "told" }, reason: "r" },
  });
  await plane.call("DELETE", `/v1/revocations/${told.json.id}`);
  const events = [...(await stream.seen(told.json["seq"] as number)), ...(await reset.seen(1))];
  for (const { data } of events) {
    expect((await judged(schemas ?? {}, data)).payload).toBe(AS_DOCUMENTED);
  }
  stream.close();
  reset.close();
  const refused = await plane.call("GET", "/v1/events?after=x");
  expect(await judge("/v1/events", "get", refused)).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/events/ws", "get", await plane.call("GET", "/v1/events/ws"))).toBe(AS_DOCUMENTED);
});

test("the fleet, a report and a receipt have the documented form", async () => {
  const heeded = { epoch: "", seq: 9_999 };
  const report = { id: "a", version: "1", heeded, lag_ms: 3, breaker: "closed", started_at: 1 };
  const send = (body: unknown): Promise<Answer> =>
    plane.call("POST", "/v1/fleet/reports", { token: plane.tokens.admin, body });
  expect(await judge("/v1/fleet/reports", "post", await send(report))).toBe(AS_DOCUMENTED);
  expect(await judge("/v1/fleet/reports", "post", await send({ ...report, heeded: null, lag_ms: null }))).toBe(
    AS_DOCUMENTED,
  );
  expect(await judge("/v1/fleet/reports", "post", await send({ ...report, id: "" }))).toBe(AS_DOCUMENTED);
  const fleet = await plane.call("GET", "/v1/fleet");
  expect(fleet.json).toHaveLength(1);
  expect(await judge("/v1/fleet", "get", fleet)).toBe(AS_DOCUMENTED);
  const revoked = await plane.call("POST", "/v1/revocations", {
    token: plane.tokens.admin,
    body: { target: { kind: "user", id: "waited-for" }, reason: "r", wait: "fleet" },
  });
  expect(revoked.json["receipt"]).toMatchObject({ fleet: { live: 1, applied: 0, pending: ["a"] } });
  expect(await judge("/v1/revocations", "post", revoked)).toBe(AS_DOCUMENTED);
});

test("the fleet's summary, a question to a sidecar, a preview and an explanation have the documented form", async () => {
  const report = { id: "b", version: "1", heeded: null, lag_ms: 3, breaker: "closed", started_at: 1, answers: [] };
  const body = { target: { kind: "everything" } };
  const { admin: token } = plane.tokens;
  const send = (): Promise<Answer> => plane.call("POST", "/v1/fleet/reports", { token, body: report });
  await send();
  const asked = plane.call("POST", "/v1/revocations/preview", { token, body });
  const questioned = await until("a question", async () => {
    const answer = await send();
    return answer.status === 200 ? answer : undefined;
  });
  expect(questioned.json["questions"]).toEqual([
    { id: expect.any(String), keys: ["global:revoked_after"], issued_before: expect.any(Number) },
  ]);
  expect(await judge("/v1/fleet/reports", "post", questioned)).toBe(AS_DOCUMENTED);
  const preview = await asked;
  expect(preview.json["coverage"]).toMatchObject({
    answered: 0,
    missing: expect.arrayContaining(["b"]),
    back_ms: null,
  });
  expect(await judge("/v1/revocations/preview", "post", preview)).toBe(AS_DOCUMENTED);
  const summary = await plane.call("GET", "/v1/fleet/summary");
  expect(summary.json).toMatchObject({ store_up: true, rates: null });
  expect(await judge("/v1/fleet/summary", "get", summary)).toBe(AS_DOCUMENTED);
  for (const refused of [{}, { target: { kind: "user" } }]) {
    const answer = await plane.call("POST", "/v1/revocations/preview", { token, body: refused });
    expect(await judge("/v1/revocations/preview", "post", answer)).toBe(AS_DOCUMENTED);
  }
  const explained = await plane.call("POST", "/v1/explain", { token, body: { method: "GET", path: "/" } });
  expect(await judge("/v1/explain", "post", explained)).toBe(AS_DOCUMENTED);
});

test("a marker that another program wrote without telling who and when has the documented form too", async () => {
  const bare = {
    id: "key:revoked:jti:main:j",
    seq: undefined,
    target: { kind: "token", issuer: "main", id: "j" } as const,
    reason: "",
    by: "",
    atMs: 0,
    issuedBeforeS: undefined,
    expiresAtMs: undefined,
  };
  const other = await startControlPlane({
    around: (store) => ({ ...store, list: async () => ({ ok: true, value: { items: [bare], cursor: undefined } }) }),
  });
  const listed = await other.call("GET", "/v1/revocations");
  expect(listed.json["items"]).toEqual([{ id: bare.id, target: bare.target, expires_at: null }]);
  expect(await judge("/v1/revocations", "get", listed)).toBe(AS_DOCUMENTED);
  await other.stop();
});
