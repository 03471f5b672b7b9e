// Logging in at the reference identity service: what a client is given, who gets a refresh token, and what a stranger can
// find out about names and passwords.
import { createHash } from "node:crypto";
import { decodeProtectedHeader } from "jose";
import { tokenIntrospection } from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MOST_FAILURES } from "../../examples/identity-service/login-limit.ts";
import { openSqliteStore } from "../../examples/identity-service/store/sqlite.ts";
import { createBrowser, type Browser, type Page } from "../support/browser.ts";
import { logIn, passwordOf, SECRET, startIdentity, type Identity } from "../support/identity.ts";
import { authorization, CALLBACK, discover, errorOf, refresh } from "../support/oidc-login.ts";

let identity: Identity;
beforeAll(async () => {
  identity = await startIdentity();
  const bruce = { username: "bruce", password: passwordOf("bruce"), tenant: "acme", scopes: [] };
  await identity.service.accounts.add(bruce);
});
afterAll(() => identity.stop());

/** A log-in page, not filled in yet. */
async function openLogin(browser: Browser): Promise<Page> {
  const { url } = await authorization(await discover(identity.issuer, "shop", SECRET), "openid");
  return browser.get(url);
}

test("a person logs in with code and PKCE, and the client gets an access token of RFC 9068 with little in it", async () => {
  const { tokens } = await logIn(identity.issuer, "alice");
  expect(decodeProtectedHeader(tokens.accessToken)).toMatchObject({ alg: "ES256", typ: "at+jwt" });
  expect(Object.keys(tokens.claims).toSorted()).toEqual(
    ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sid", "sub", "tenant"].toSorted(),
  );
  expect(tokens.claims).toMatchObject({
    iss: identity.issuer,
    aud: "orders-api",
    sub: "alice",
    tenant: "acme",
    client_id: "shop",
    scope: "orders:read orders:write", // of all that was asked for, what alice has
  });
  expect(Number(tokens.claims["exp"]) - tokens.claims.iat).toBe(600);
});

test("a client with a secret gets a refresh token, a browser's own code gets none", async () => {
  expect((await logIn(identity.issuer, "alice")).tokens.refreshToken).not.toBe("");
  expect((await logIn(identity.issuer, "alice", { client: "spa" })).tokens.refreshToken).toBe("");
});

test("who is logged in is not asked again, and it is the same session", async () => {
  const first = await logIn(identity.issuer, "alice");
  const second = await logIn(identity.issuer, "nobody", { client: "spa", browser: first.browser });
  expect(second.tokens.claims["sub"]).toBe("alice");
  expect(second.tokens.claims.sid).toBe(first.tokens.claims.sid);
});

test("a code without PKCE is not given out", async () => {
  const page = await createBrowser(identity.issuer).get(
    `${identity.issuer}/auth?client_id=spa&response_type=code&scope=openid`,
  );
  expect(new URL(page.url).searchParams.get("error")).toBe("invalid_request");
});

test("a code that is used by three at one time gives tokens to one of them", async () => {
  // Each is told by the store that the code is unused before any of them has used it.
  const store = openSqliteStore(":memory:");
  let asking = 0;
  const allAsk = Promise.withResolvers<void>();
  const other = await startIdentity({
    store: {
      ...store,
      async get(key) {
        const value = await store.get(key);
        if (value === undefined || !key.startsWith("AuthorizationCode:")) return value;
        asking += 1;
        if (asking === 3) allAsk.resolve();
        await allAsk.promise;
        return value;
      },
    },
  });
  const config = await discover(other.issuer, "shop", SECRET);
  const { url, verifier } = await authorization(config, "openid orders:read");
  const browser = createBrowser(other.issuer);
  const page = await browser.get(url);
  const back = new URL((await browser.post(page.url, { username: "alice", password: passwordOf("alice") })).url);
  const exchange = async (): Promise<number> => {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code: back.searchParams.get("code") ?? "",
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    });
    const headers = { authorization: `Basic ${Buffer.from(`shop:${SECRET}`).toString("base64")}` };
    return (await fetch(`${other.issuer}/token`, { method: "POST", body, headers })).status;
  };
  const statuses = await Promise.all([exchange(), exchange(), exchange()]);
  expect(statuses.toSorted()).toEqual([200, 400, 400]);
  await other.stop();
});

test("a client of another API gets tokens for that one, with the scopes the account has there", async () => {
  const { tokens } = await logIn(identity.issuer, "bob", {
    client: "desk",
    scope: "openid orders:read portcullis:read",
  });
  expect(tokens.claims).toMatchObject({ aud: "portcullis", scope: "portcullis:read" });
});

test("an opaque token is explained to whom it was meant for, and to nobody else; a refresh token never", async () => {
  const { tokens, config } = await logIn(identity.issuer, "bob", { client: "opaque" });
  expect(tokens.accessToken).not.toContain(".");
  const ask = async (clientId: string, token: string): Promise<Record<string, unknown>> => {
    const guard = await discover(identity.issuer, clientId, SECRET);
    return tokenIntrospection(guard, token);
  };
  const answer = await ask("guard", tokens.accessToken);
  expect(answer).toMatchObject({ active: true, sub: "bob", aud: "orders-api", tenant: "acme", scope: "orders:read" });
  expect(answer["jti"]).not.toBe(tokens.accessToken);
  expect(await ask("shop", tokens.accessToken)).toEqual({ active: false });
  expect(await ask("guard", tokens.refreshToken)).toEqual({ active: false });
  const sids = (await identity.api("GET", "/users/bob/sessions")).json["sessions"] as readonly { sid: string }[];
  expect(sids.map(({ sid }) => sid)).toContain(answer["sid"]);
  await identity.service.sessions.end(String(answer["sid"]), "admin");
  expect(await ask("guard", tokens.accessToken)).toEqual({ active: false });
  expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_grant");
});

test("an unknown name and a wrong password are one answer", async () => {
  const browser = createBrowser(identity.issuer);
  const { url } = await openLogin(browser);
  const wrong = await browser.post(url, { username: "alice", password: "wrong" });
  const unknown = await browser.post(url, { username: "zelda", password: "wrong" });
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect(unknown.text.replaceAll("zelda", "alice")).toBe(wrong.text);
});

test("and take the same time: an unknown name costs a hash, too", async () => {
  const { accounts } = identity.service;
  const time = async (username: string): Promise<number> => {
    const beganAtMs = performance.now();
    await accounts.authenticate(username, "wrong");
    return performance.now() - beganAtMs;
  };
  const pairs: [number, number][] = [];
  for (let round = 0; round < 5; round += 1) pairs.push([await time("alice"), await time("zelda")]);
  const best = (index: 0 | 1): number => Math.min(...pairs.map((pair) => pair[index]));
  // Without the hash it would be a hundredth.
  expect(best(1)).toBeGreaterThan(best(0) / 3);
});

test("guessing is bounded, for names that exist and names that do not alike", async () => {
  for (const username of ["bruce", "yorick"]) {
    const browser = createBrowser(identity.issuer);
    const { url } = await openLogin(browser);
    const statuses: number[] = [];
    for (let attempt = 0; attempt <= MOST_FAILURES.accountAndNetwork; attempt += 1) {
      statuses.push((await browser.post(url, { username, password: "wrong" })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    const right = await browser.post(url, { username, password: passwordOf(username) });
    expect(right.status).toBe(429);
    expect(Number(right.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect(await identity.metric('identity_logins_total{outcome="limited"}')).toBe(4);
});

test("guesses at one time are counted each", async () => {
  const browser = createBrowser(identity.issuer);
  const { url } = await openLogin(browser);
  const pages = await Promise.all(
    Array.from({ length: 12 }, () => browser.post(url, { username: "xerxes", password: "wrong" })),
  );
  expect(pages.filter(({ status }) => status === 401)).toHaveLength(MOST_FAILURES.accountAndNetwork);
});

test("the log-in page loads nothing from elsewhere, is in no frame, and may send the person back to the clients", async () => {
  const page = await openLogin(createBrowser(identity.issuer));
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self' http://127.0.0.1:9");
  expect(policy).not.toContain("unsafe");
  const style = /<style>([^<]*)<\/style>/.exec(page.text)?.[1] ?? "";
  expect(policy).toContain(`style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
  expect(page.text).not.toMatch(/<script|https?:\/\//);
  expect(page.headers.get("cache-control")).toContain("no-store");
});

test("what is typed is shown as text", async () => {
  const browser = createBrowser(identity.issuer);
  const { url } = await openLogin(browser);
  const page = await browser.post(url, { username: '"><script>alert(1)</script>', password: "x" });
  expect(page.text).not.toContain("<script");
});

test("another site's form does not log anybody in", async () => {
  const browser = createBrowser(identity.issuer);
  const { url } = await openLogin(browser);
  const form = { username: "alice", password: passwordOf("alice") };
  expect((await browser.post(url, form, { origin: "https://evil.example" })).status).toBe(403);
  expect((await browser.post(url, form, { "sec-fetch-site": "cross-site" })).status).toBe(403);
});

test("cookies are kept from scripts and from other sites, and over https from plain connections", async () => {
  const response = await fetch((await authorization(await discover(identity.issuer, "shop", SECRET), "openid")).url, {
    redirect: "manual",
  });
  const cookies = response.headers.getSetCookie();
  expect(cookies.length).toBeGreaterThan(1);
  for (const cookie of cookies) expect(cookie).toMatch(/; samesite=lax.*; httponly/i);
});

test("the store holds no cookie, code, refresh token or password", async () => {
  const store = openSqliteStore(":memory:");
  const written: string[] = [];
  const write = store.write.bind(store);
  const swap = store.swap.bind(store);
  const watched = {
    ...store,
    write: (changes: Parameters<typeof write>[0]) => (written.push(JSON.stringify(changes)), write(changes)),
    swap: (...args: Parameters<typeof swap>) => (written.push(JSON.stringify(args)), swap(...args)),
  };
  const other = await startIdentity({ store: watched });
  const { tokens, browser, config } = await logIn(other.issuer, "alice");
  const next = await refresh(config, tokens.refreshToken);
  await other.stop();
  const session = /session=([^;]+)/.exec(browser.cookies())?.[1] ?? "?";
  const kept = written.join("\n");
  for (const secret of [tokens.refreshToken, next.refreshToken, session, passwordOf("alice"), tokens.accessToken])
    expect(kept).not.toContain(secret);
});

test("a disabled account is told no more than a wrong password", async () => {
  await identity.service.accounts.add({
    username: "carol",
    password: passwordOf("carol"),
    sub: "carol",
    tenant: "acme",
    scopes: [],
  });
  const { tokens, config } = await logIn(identity.issuer, "carol");
  expect((await identity.api("POST", "/users/carol/disable")).json).toEqual({ delivered: true });
  expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_grant");
  const browser = createBrowser(identity.issuer);
  const { url } = await openLogin(browser);
  const refused = await browser.post(url, { username: "carol", password: passwordOf("carol") });
  expect(refused.status).toBe(401);
  expect(refused.text).toContain("User name or password is wrong.");
});
