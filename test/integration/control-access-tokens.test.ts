// Access tokens of a real issuer's keys at a real control API: for its audience alone, by their scopes, judged live.

import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { createTestKey, signToken, type Json } from "../support/tokens.ts";

const ISSUER = "https://id.example.com";
const key = createTestKey("ES256", "k1");
let folder: string;
let portcullis: PortcullisProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-access-"));
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: [key.jwk] }));
  const issuer = { issuer: ISSUER, jwks: { file: join(folder, "jwks.json") }, audiences: ["orders-api"] };
  const store = { type: "embedded", path: join(folder, "portcullis.db") };
  portcullis = await startPortcullis({ command: "dev", config: { issuers: [issuer], store } });
});
afterAll(async () => {
  await portcullis.stop();
  rmSync(folder, { recursive: true, force: true });
});

function tokenOf(subject: string | undefined, scope: string, changes: Json = {}): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const claims = { iss: ISSUER, aud: "portcullis", sub: subject, jti: randomUUID(), iat: nowS, exp: nowS + 600, scope };
  return signToken(key, { ...claims, ...changes });
}

function list(token: string): Promise<Response> {
  return fetch(`${portcullis.controlUrl}/v1/revocations`, { headers: { authorization: `Bearer ${token}` } });
}

function revoke(token: string, target: Json): Promise<Response> {
  return fetch(`${portcullis.controlUrl}/v1/revocations`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ target, reason: "test" }),
  });
}

test("a token for the control API's audience may do what its scopes say, under its issuer's and subject's name", async () => {
  const token = tokenOf("helpdesk", "portcullis:read portcullis:revoke");
  expect((await revoke(token, { kind: "user", id: "mallory" })).status).toBe(201);
  expect((await revoke(token, { kind: "everything" })).status).toBe(403);
  const { items } = (await (await list(token)).json()) as { items: readonly { by: string }[] };
  expect(items.map(({ by }) => by)).toContain("main/helpdesk");
});

test("a token for the guarded API is nobody here, whatever its scopes", async () => {
  expect((await list(tokenOf("root", "portcullis:admin", { aud: "orders-api" }))).status).toBe(401);
});

test("a token without a subject has no name to act under", async () => {
  expect((await list(tokenOf(undefined, "portcullis:admin"))).status).toBe(401);
});

test("a revoked administrator is refused from the very next call", async () => {
  const bootstrap = readFileSync(join(folder, "portcullis.token"), "utf8").trim();
  const token = tokenOf("ada", "portcullis:admin");
  expect((await list(token)).status).toBe(200);
  expect((await revoke(bootstrap, { kind: "user", id: "ada" })).status).toBe(201);
  expect((await list(token)).status).toBe(401);
});
