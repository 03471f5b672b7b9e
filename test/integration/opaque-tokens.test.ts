// Opaque tokens at a real sidecar: their issuer is asked by RFC 7662, and what it says ages like any answer.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  CLIENT,
  sendJson,
  startIntrospectionServer,
  type IntrospectionServer,
} from "../support/introspection-server.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token as jwt, type Answer, type SidecarUnderTest } from "../support/sidecar.ts";
import type { Json } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const ISSUER = "https://id.example.com";
const nowS = () => Math.floor(Date.now() / 1_000);

let issuer: IntrospectionServer;
let redis: RedisProcess;
let sidecar: SidecarUnderTest;
/** Its Checks end before its questions do. */
let hurried: SidecarUnderTest;
/** Asks nobody. */
let plain: SidecarUnderTest;
let folder: string;

beforeAll(async () => {
  [issuer, redis] = await Promise.all([startIntrospectionServer(), startRedis()]);
  folder = mkdtempSync(join(tmpdir(), "portcullis-"));
  writeFileSync(join(folder, "secret"), `${CLIENT.secret}\n`);
  [sidecar, hurried, plain] = await Promise.all([
    startSidecar(configOf(`timeout: 1500ms`)),
    startSidecar(configOf("timeout: 10s", "300ms")),
    startSidecar(`store: { type: memory }\n`),
  ]);
});
afterEach(() => {
  issuer.answer = undefined;
});
afterAll(async () => {
  await Promise.all([sidecar.stop(), hurried.stop(), plain.stop()]);
  await Promise.all([issuer.stop(), redis.stop()]);
  rmSync(folder, { recursive: true });
});

/** Times are long, for what is tested is not how fast a busy machine is. */
function configOf(introspection: string, deadline = "5s"): string {
  return `issuers:
  - issuer: ${ISSUER}
    jwks: { file: jwks.json }
    audiences: [orders-api]
    algorithms: [ES256]
    introspection:
      { url: "${issuer.url}", clientId: "${CLIENT.id}", clientSecretFile: ${join(folder, "secret")}, ${introspection} }
store: { type: redis, url: "${redis.url}", timeout: 1s }
feed: { type: none }
deadline: ${deadline}
tiers:
  critical: { maxStaleness: 0s }
  short: { maxStaleness: 50ms, failOpenFor: 1h }
  low: { maxStaleness: 1h, failOpenFor: 1h }
routes:
  - { path: /low, tier: low }
  - { path: /short, tier: short }
  - { path: /write, tier: low, scopes: [write] }
scopes: [{ scope: payments, tier: critical }]
`;
}

/** What is known of a good token; what is undefined is left out. */
function known(changes: Json = {}): string {
  const token = `opaque-${randomUUID()}`;
  issuer.tokens.set(token, {
    active: true,
    iss: ISSUER,
    aud: ["orders-api"],
    sub: "alice",
    client_id: "shop",
    jti: randomUUID(),
    sid: randomUUID(),
    tenant: "acme",
    scope: "read",
    token_type: "Bearer",
    iat: nowS() - 5,
    exp: nowS() + 600,
    ...changes,
  });
  return token;
}

const check = (token: string, path = "/critical", at = sidecar): Promise<Answer> => at.check({ path, token });
const reasonOf = async (answer: Promise<Answer>): Promise<unknown> => (await answer).metadata["reason"];
const countOf = (token: string): number => issuer.asked.filter((asked) => asked === token).length;

function headersOf(answer: Answer): Readonly<Record<string, string>> {
  const options = answer.message.ok_response?.headers ?? [];
  return Object.fromEntries(options.map(({ header }) => [header.key, header.value]));
}

describe("a token that its issuer says is active", () => {
  test("is let in, and the upstream is told who it is", async () => {
    const token = known({ sub: "bob" });
    const answer = await check(token);
    expect([answer.status, answer.metadata["assurance"], countOf(token)]).toEqual([200, "live", 1]);
    expect(headersOf(answer)).toMatchObject({
      "x-auth-subject": "bob",
      "x-auth-issuer": ISSUER,
      "x-auth-client": "shop",
      "x-auth-tenant": "acme",
      "x-auth-scope": "read",
    });
  });

  test("need not name its issuer, for nobody else was asked", async () => {
    expect((await check(known({ iss: undefined }))).status).toBe(200);
  });

  test("needs the scopes of the route like any other", async () => {
    expect(await reasonOf(check(known(), "/write"))).toBe("insufficient_scope");
  });
});

describe("what the issuer said is as old as the tier allows, and no older", () => {
  test("a tier of 0 s asks on each call", async () => {
    const token = known();
    for (let calls = 1; calls <= 3; calls += 1) {
      expect((await check(token)).metadata["assurance"]).toBe("live");
      expect(countOf(token)).toBe(calls);
    }
  });

  test("another uses the answer while it is young enough, and says so", async () => {
    const token = known();
    expect((await check(token, "/low")).metadata["assurance"]).toBe("live");
    expect((await check(token, "/low")).metadata["assurance"]).toBe("recent");
    expect(countOf(token)).toBe(1);
    await check(token, "/short");
    await until("50 ms to pass", async () => {
      await check(token, "/short");
      return countOf(token) > 1;
    });
  });

  test("a scope of the token that asks for a stricter tier has it asked again", async () => {
    const token = known({ scope: "read payments" });
    expect((await check(token, "/low")).metadata).toMatchObject({ assurance: "live", tier: "critical" });
    expect((await check(token, "/low")).metadata).toMatchObject({ assurance: "live", tier: "critical" });
    expect(countOf(token)).toBe(2); // the first question was that call's own, and good enough
  });

  test("a token that is no longer active is refused by the very next call of a tier of 0 s", async () => {
    const token = known();
    expect((await check(token)).status).toBe(200);
    issuer.tokens.delete(token);
    expect(await reasonOf(check(token))).toBe("revoked");
    // And by those that still had the old answer.
    expect(await reasonOf(check(token, "/low"))).toBe("revoked");
  });

  test("a refusal is used again for no more than a second", async () => {
    const token = `opaque-${randomUUID()}`;
    expect([await reasonOf(check(token)), await reasonOf(check(token))]).toEqual(["revoked", "revoked"]);
    expect(countOf(token)).toBe(1);
    issuer.tokens.set(token, issuer.tokens.get(known()) ?? {});
    await until("it to be asked about again", async () => (await check(token)).status === 200);
  });
});

describe("revocations count for it as for a signed one", () => {
  test.each([
    ["token", (id: string) => ({ jti: id }), "revoked:jti:main:"],
    ["session", (id: string) => ({ sid: id }), "revoked:sid:main:"],
    ["user", (id: string) => ({ sub: id }), "user:revoked_after:main:"],
    ["tenant", (id: string) => ({ tenant: id }), "tenant:revoked_after:main:"],
    ["client", (id: string) => ({ client_id: id }), "client:revoked_after:main:"],
  ])("its %s", async (_kind, claims, key) => {
    const id = randomUUID();
    const token = known(claims(id));
    expect((await check(token)).status).toBe(200);
    await redis.cli("SET", `${key}${id}`, String(nowS() + 1), "EX", "600");
    expect(await reasonOf(check(token))).toBe("revoked");
  });
});

describe("an active token's answer is judged as claims are", () => {
  test.each([
    ["of another issuer", { iss: "https://other.example.com" }, "claim_invalid"],
    ["for another audience", { aud: "other-api" }, "wrong_audience"],
    ["for no audience", { aud: undefined }, "wrong_audience"],
    ["of another type (RFC 6749 §7.1)", { token_type: "mac" }, "wrong_type"],
    ["without exp", { exp: undefined }, "claim_invalid"],
    ["with an exp that is no number", { exp: `${nowS() + 600}` }, "claim_invalid"],
    ["without iat, so that no watermark could tell", { iat: undefined }, "claim_invalid"],
    ["without jti, though the issuer's tokens must have one", { jti: undefined }, "claim_invalid"],
    ["with a session that is no text", { sid: 7 }, "claim_invalid"],
    ["that has expired all the same", { iat: nowS() - 900, exp: nowS() - 100 }, "expired"],
    ["that is not good yet", { nbf: nowS() + 600 }, "not_yet_valid"],
    ["that lives too long", { exp: nowS() + 90_000 }, "lifetime_too_long"],
  ])("%s", async (_what, changes, reason) => {
    expect(await reasonOf(check(known(changes)))).toBe(reason);
  });
});

describe("an answer that is none says nothing: 503, and nobody is let in", () => {
  test.each<[string, (response: ServerResponse) => unknown]>([
    ["an error", (response) => response.writeHead(500).end()],
    ["a client that is not known", (response) => response.writeHead(401).end()],
    ["a redirect", (response) => response.writeHead(307, { location: issuer.url }).end()],
    ["a page", (response) => response.writeHead(200, { "content-type": "text/html" }).end(`{"active":true}`)],
    ["no JSON", (response) => response.writeHead(200, { "content-type": "application/json" }).end("active")],
    ["a word in place of a boolean", (response) => sendJson(response, { active: "true" })],
    ["nothing about activity", (response) => sendJson(response, { sub: "alice" })],
    [
      "a member twice",
      (response) =>
        response.writeHead(200, { "content-type": "application/json" }).end(`{"active":false,"active":true}`),
    ],
    ["more than anybody needs", (response) => sendJson(response, { active: true, junk: "x".repeat(70_000) })],
    ["a broken connection", (response) => response.destroy()],
    ["silence", () => undefined],
  ])("%s", async (_what, answer) => {
    const token = known();
    issuer.answer = answer;
    const refused = await check(token);
    expect([refused.status, refused.metadata["reason"]]).toEqual([503, "keys_unavailable"]);
    issuer.answer = undefined;
    await until("it to be let in again", async () => (await check(token)).status === 200);
  });
});

describe("while the issuer is out", () => {
  test("each tier decides: a known token passes where the tier forgives, marked; no other does", async () => {
    const [token, ended] = [known(), known()];
    expect([(await check(token, "/low")).status, (await check(ended)).status]).toEqual([200, 200]);
    issuer.tokens.delete(ended);
    expect(await reasonOf(check(ended))).toBe("revoked");
    issuer.answer = (response) => response.writeHead(503).end();
    const counted = async () => sidecar.metric(`portcullis_fail_open_total{tier="short"}`);
    const before = await counted();
    await until("the answer to be too old", async () => {
      const { metadata } = await check(token, "/short");
      return metadata["assurance"] === "fail-open" && metadata["decision"] === "allow";
    });
    expect(await counted()).toBeGreaterThan(before);
    expect((await check(token, "/low")).metadata["assurance"]).toBe("recent");
    expect(await reasonOf(check(token))).toBe("keys_unavailable");
    expect(await reasonOf(check(known(), "/short"))).toBe("keys_unavailable");
    expect(await reasonOf(check(ended, "/short"))).toBe("revoked");
  });

  test("it is left alone, and asked again when it is back", async () => {
    const token = known();
    issuer.answer = (response) => response.writeHead(503).end();
    await until("the log", async () => {
      await check(token);
      return sidecar.process.output().includes(`"introspection_breaker"`);
    });
    const before = issuer.asked.length;
    await Promise.all(Array.from({ length: 50 }, () => check(token)));
    expect(issuer.asked.length - before).toBeLessThan(50);
    issuer.answer = undefined;
    await until("it to be asked again", async () => (await check(token)).status === 200);
  });
});

describe("bounds", () => {
  test("calls that come together share a question", async () => {
    const token = known();
    issuer.answer = (response, asked) => setTimeout(() => sendJson(response, issuer.tokens.get(asked)), 200);
    const answers = await Promise.all(Array.from({ length: 40 }, () => check(token, "/low")));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(countOf(token)).toBeLessThan(5);
  });

  test("a flood of made-up tokens is refused at once, and leaves room for a known one", async () => {
    const token = known();
    expect((await check(token)).status).toBe(200);
    issuer.answer = (response, asked) =>
      issuer.tokens.has(asked) ? sendJson(response, issuer.tokens.get(asked)) : undefined;
    const flood = Promise.all(Array.from({ length: 100 }, (_, index) => reasonOf(check(`made-up-${index}`))));
    await until("the flood", () => issuer.asked.filter((asked) => asked.startsWith("made-up")).length >= 48);
    expect((await check(token)).status).toBe(200);
    const reasons = await flood;
    expect(reasons).toContain("overloaded");
    issuer.answer = undefined;
    await until("the issuer to be asked again", async () => (await check(token)).status === 200);
  });

  test("a Check is answered by its own deadline, however long the issuer takes", async () => {
    issuer.answer = () => undefined;
    const answer = await check(known(), "/critical", hurried);
    expect([answer.status, answer.metadata["reason"]]).toEqual([503, "keys_unavailable"]);
    expect(answer.ms).toBeLessThan(5_000);
  });
});

describe("nobody is asked", () => {
  test.each([
    ["about a signed token, good or not", () => jwt()],
    ["about what has the form of one", () => "aaaa.bbbb.cccc"],
    ["about what has the form of an encrypted one", () => "a.b.c.d.e"],
    ["about more than a token may have", () => "x".repeat(17_000)],
  ])("%s", async (_what, tokenOf) => {
    const before = issuer.asked.length;
    await check(tokenOf());
    expect(issuer.asked.length).toBe(before);
  });

  test("where it is not configured: then it is malformed, as ever", async () => {
    const before = issuer.asked.length;
    expect(await reasonOf(check(known(), "/low", plain))).toBe("malformed_token");
    expect(issuer.asked.length).toBe(before);
  });
});

test("a signed token is judged as ever beside it", async () => {
  expect((await check(jwt())).status).toBe(200);
});

test("what was asked is counted, and no token or secret is told to anybody", async () => {
  expect(await sidecar.metric(`portcullis_introspections_total{issuer="main",result="active"}`)).toBeGreaterThan(0);
  expect(sidecar.process.output()).not.toContain("opaque-");
  expect(sidecar.process.output()).not.toContain(CLIENT.secret);
});
