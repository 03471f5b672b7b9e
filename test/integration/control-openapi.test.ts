import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startControlPlane, type Answer, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
let document: Record<string, any>;
beforeAll(async () => {
  plane = await startControlPlane();
  document = (await plane.call("GET", "/openapi.json", {})).json;
});
afterAll(() => plane.stop());

/** Whether `answer` is what the document promises for its status and content type. */
async function expectAsDocumented(path: string, method: string, answer: Answer): Promise<void> {
  const response = document["paths"][path][method].responses[answer.status];
  expect(response, `${method} ${path} ${answer.status}`).toBeDefined();
  if (answer.text === "") return expect(response.content).toBeUndefined();
  const schema = response.content[answer.headers.get("content-type")?.split(";")[0] ?? ""].schema;
  const judge = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } });
  judge.post("/", { schema: { body: schema } }, () => "as documented");
  const judged = await judge.inject({ method: "POST", url: "/", payload: answer.json });
  expect(judged.payload).toBe("as documented");
}

test("the document is open to all and names every route that exists, and no other", async () => {
  expect(document["openapi"]).toBe("3.1.0");
  expect(Object.keys(document["paths"]).sort()).toEqual(["/openapi.json", "/v1/check", "/v1/revocations", "/v1/revocations/{id}"]);
  for (const [path, item] of Object.entries<Record<string, unknown>>(document["paths"])) {
    const known = ["get", "post", "put", "patch", "delete"].filter((method) => method in item);
    const allow = (await plane.call("PATCH", path.replace("{id}", "x"))).headers.get("allow");
    expect(allow?.split(", ").filter((method) => method !== "HEAD").map((method) => method.toLowerCase()).sort()).toEqual(known.sort());
  }
});

test("answers, good and bad, have the documented form", async () => {
  const revoke = (body: unknown, headers = {}) => plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body, headers });
  for (const target of [{ kind: "user", id: "a" }, { kind: "key", id: "k" }, { kind: "everything" }]) {
    await expectAsDocumented("/v1/revocations", "post", await revoke({ target, reason: "r" }));
  }
  const { id } = (await revoke({ target: { kind: "token", id: "j" }, reason: "r" }, { "idempotency-key": "k" })).json;
  await expectAsDocumented("/v1/revocations", "post", await revoke({ target: { kind: "user", id: "b" }, reason: "r" }, { "idempotency-key": "k" }));
  await expectAsDocumented("/v1/revocations", "post", await revoke({ target: { kind: "user" }, reason: "r" }));
  await expectAsDocumented("/v1/revocations", "post", await revoke({ target: {} }));
  await expectAsDocumented("/v1/revocations", "post", await revoke("x".repeat(70_000)));
  await expectAsDocumented("/v1/revocations", "get", await plane.call("GET", "/v1/revocations?limit=2"));
  await expectAsDocumented("/v1/revocations", "get", await plane.call("GET", "/v1/revocations", {}));
  await expectAsDocumented("/v1/check", "get", await plane.call("GET", "/v1/check?kind=user&id=a"));
  await expectAsDocumented("/v1/check", "get", await plane.call("GET", "/v1/check?kind=user&id=nobody"));
  await expectAsDocumented("/v1/revocations/{id}", "get", await plane.call("GET", `/v1/revocations/${id}`));
  await expectAsDocumented("/v1/revocations/{id}", "get", await plane.call("GET", "/v1/revocations/x"));
  await expectAsDocumented("/v1/revocations/{id}", "delete", await plane.call("DELETE", `/v1/revocations/${id}`));
  await expectAsDocumented("/v1/revocations/{id}", "delete", await plane.call("DELETE", `/v1/revocations/${id}`));
});

test("a marker that another program wrote without telling who and when has the documented form too", async () => {
  const bare = { id: "key:revoked:jti:main:j", seq: undefined, target: { kind: "token", issuer: "main", id: "j" } as const, reason: "", by: "", atMs: 0, issuedBeforeS: undefined, expiresAtMs: undefined };
  const other = await startControlPlane({ around: (store) => ({ ...store, list: async () => ({ ok: true, value: { items: [bare], cursor: undefined } }) }) });
  const listed = await other.call("GET", "/v1/revocations");
  expect(listed.json["items"]).toEqual([{ id: bare.id, target: bare.target, expires_at: null }]);
  await expectAsDocumented("/v1/revocations", "get", listed);
  await other.stop();
});
