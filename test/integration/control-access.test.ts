// Who may call the control plane's API: which credentials are taken, which answer each other one gets, and what each
// scope opens.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { request } from "node:http";
import type { AccessFault, Caller } from "../../src/control/access.ts";
import { err, ok, type Result } from "../../src/core/result.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
const byToken: Readonly<Record<string, Result<Caller, AccessFault>>> = {
  "jwt.good": ok({ name: "main/alice", scopes: ["portcullis:read"] }),
  "jwt.revoked": err({ cause: "refused" }),
  "jwt.untold": err({ cause: "unavailable" }),
};
beforeAll(async () => {
  const accessTokens = {
    authenticate: async (token: string) => byToken[token] ?? err({ cause: "unknown_token" } as const),
  };
  plane = await startControlPlane({ authenticators: [accessTokens] });
});
afterAll(() => plane.stop());

const CALLS = [
  ["GET", "/v1/revocations"],
  ["GET", "/v1/revocations/x"],
  ["GET", "/v1/check?kind=everything"],
  ["POST", "/v1/revocations"],
  ["DELETE", "/v1/revocations/x"],
  ["HEAD", "/v1/revocations"],
] as const;

describe.each(CALLS)("%s %s", (method, path) => {
  test("without a token is 401 with a challenge", async () => {
    const answer = await plane.call(method, path, {});
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="portcullis"');
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test.each(["wrong", "a".repeat(43), "jwt.revoked"])("with the bad token %s is 401 invalid_token", async (token) => {
    const answer = await plane.call(method, path, { token });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="portcullis", error="invalid_token"');
  });

  test("without the scope is 403 naming it", async () => {
    const writes = method === "POST" || method === "DELETE";
    const answer = await plane.call(method, path, { token: writes ? plane.tokens.reader : plane.tokens.revoker });
    expect(answer.status).toBe(403);
    const scope = writes ? "portcullis:revoke" : "portcullis:read";
    expect(answer.headers.get("www-authenticate")).toBe(`Bearer error="insufficient_scope", scope="${scope}"`);
  });
});

test("a token that cannot be judged now is 503, neither let in nor called bad", async () => {
  const answer = await plane.call("GET", "/v1/revocations", { token: "jwt.untold" });
  expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("www-authenticate")]).toEqual([
    503,
    "1",
    null,
  ]);
});

test("access tokens are accepted beside bootstrap tokens", async () => {
  expect((await plane.call("GET", "/v1/revocations", { token: "jwt.good" })).status).toBe(200);
});

test.each(["Basic cm9vdDpyb290", "Bearer", "Bearer ", "bearer  x", "Bearer a b", "Bearer a,b", "token x"])(
  "the Authorization %j is no bearer token",
  async (authorization) => {
    const answer = await plane.call("GET", "/v1/revocations", { headers: { authorization } });
    expect(answer.status).toBe(401);
  },
);

test("the scheme is taken in any case", async () => {
  const answer = await plane.call("GET", "/v1/revocations", {
    headers: { authorization: `bEARER ${plane.tokens.admin}` },
  });
  expect(answer.status).toBe(200);
});

test("two Authorization headers are refused, whichever of them is good", async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = ["Host", "x", "Authorization", `Bearer ${plane.tokens.admin}`, "Authorization", "Bearer wrong"];
    request(`${plane.url}/v1/revocations`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(400);
});

describe("who may revoke what", () => {
  const revoke = (kind: string, token: string) =>
    plane.call("POST", "/v1/revocations", {
      token,
      body: { target: kind === "everything" || kind === "issuer" ? { kind } : { kind, id: `by-${kind}` }, reason: "r" },
    });

  test.each(["token", "session", "user"])("%s: portcullis:revoke suffices", async (kind) => {
    expect((await revoke(kind, plane.tokens.revoker)).status).toBe(201);
  });

  test.each(["tenant", "client", "issuer", "key", "everything"])("%s: needs portcullis:admin", async (kind) => {
    const answer = await revoke(kind, plane.tokens.revoker);
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="portcullis:admin"',
    ]);
    expect((await revoke(kind, plane.tokens.admin)).status).toBe(201);
  });

  test("one's own can be lifted, another's only by an admin", async () => {
    const { id } = (await revoke("user", plane.tokens.revoker)).json;
    const lift = (token: string) => plane.call("DELETE", `/v1/revocations/${id}`, { token });
    expect((await lift(plane.tokens.otherRevoker)).status).toBe(403);
    expect((await plane.call("GET", "/v1/check?kind=user&id=by-user")).json["revoked"]).toBe(true);
    expect((await lift(plane.tokens.revoker)).status).toBe(204);
    const again = (await revoke("user", plane.tokens.revoker)).json;
    expect((await plane.call("DELETE", `/v1/revocations/${again["id"]}`)).status).toBe(204);
  });
});

test("bootstrap tokens stay valid when everything is revoked, so that somebody can lift it", async () => {
  const { id } = (
    await plane.call("POST", "/v1/revocations", {
      token: plane.tokens.admin,
      body: { target: { kind: "everything" }, reason: "r" },
    })
  ).json;
  expect((await plane.call("DELETE", `/v1/revocations/${id}`)).status).toBe(204);
});

test("no token is ever logged", () => {
  expect(plane.logged()).toContain("revocation_stored");
  for (const token of Object.values(plane.tokens)) expect(plane.logged()).not.toContain(token);
});
