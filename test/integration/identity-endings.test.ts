// How things end at the reference identity service: one device, all devices, a new password, a disabled account, another
// device with the same cookie or token. Each ends sessions, refresh tokens and access tokens, the last in a real Portcullis.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { createBrowser, type Page } from "../support/browser.ts";
import { logIn, passwordOf, REPORT_TOKEN, startIdentity, type Identity } from "../support/identity.ts";
import { CALLBACK, errorOf, refresh, type Login } from "../support/oidc-login.ts";

const SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15";

let plane: ControlPlane;
let identity: Identity;
let folder: string;

beforeAll(async () => {
  plane = await startControlPlane();
  folder = mkdtempSync(join(tmpdir(), "identity-"));
  writeFileSync(join(folder, "token"), plane.tokens.revoker);
  const portcullis = { url: plane.url, issuerId: "main", tokenFile: join(folder, "token") };
  identity = await startIdentity({ portcullis });
});
afterAll(async () => {
  await identity.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As Portcullis judges an access token: by its session and by when it was issued. */
async function isDead({ tokens }: Login): Promise<boolean> {
  const ask = async (kind: string, id: string): Promise<Record<string, unknown>> =>
    (await plane.call("GET", `/v1/check?kind=${kind}&issuer=main&id=${id}`)).json;
  if ((await ask("session", tokens.claims.sid))["revoked"] === true) return true;
  const items = (await plane.call("GET", "/v1/revocations?kind=user")).json.items as readonly {
    readonly target: { readonly id?: string };
    readonly issued_before?: number;
  }[];
  const watermark = items.find(({ target }) => target.id === tokens.claims["sub"])?.issued_before ?? 0;
  return tokens.claims.iat < watermark;
}

async function hasEnded(login: Login): Promise<boolean> {
  const refused = (await errorOf(refresh(login.config, login.tokens.refreshToken))) === "invalid_grant";
  const page = await login.browser.get(`${identity.issuer}/account`);
  return refused && page.url.includes("/interaction/") && (await isDead(login));
}

async function account(username: string): Promise<string> {
  const user = { username, password: passwordOf(username), sub: username, tenant: "acme", scopes: ["orders:read"] };
  expect((await identity.api("POST", "/users", user)).status).toBe(201);
  return username;
}

const hiddenIn = (page: Page, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text)?.[1] ?? "";

describe("logging out", () => {
  test("by a client's link (RP-initiated logout) ends this session for all its clients, and no other", async () => {
    const name = await account("u-rp");
    const here = await logIn(identity.issuer, name);
    const alsoHere = await logIn(identity.issuer, name, { client: "spa", browser: here.browser });
    const elsewhere = await logIn(identity.issuer, name);
    const link = `${identity.issuer}/session/end?id_token_hint=${here.tokens.idToken}&post_logout_redirect_uri=${CALLBACK}`;
    const page = await here.browser.get(link);
    expect(page.text).toContain("Sign out?");
    const out = await here.browser.post(`${identity.issuer}/session/end/confirm`, {
      xsrf: hiddenIn(page, "xsrf"),
      logout: "yes",
    });
    expect(out.url).toBe(CALLBACK);
    expect(await hasEnded(here)).toBe(true);
    expect(await isDead(alsoHere)).toBe(true);
    expect(await isDead(elsewhere)).toBe(false);
    await refresh(elsewhere.config, elsewhere.tokens.refreshToken);
  });

  test("of one device, from another", async () => {
    const name = await account("u-one");
    const here = await logIn(identity.issuer, name);
    const lost = await logIn(identity.issuer, name, { browser: createBrowser(identity.issuer, SAFARI) });
    expect((await here.browser.get(`${identity.issuer}/account`)).text).toContain("Safari on macOS");
    const page = await here.browser.post(`${identity.issuer}/account/sign-out`, { sid: lost.tokens.claims.sid });
    expect(page.text).toContain("That device has been signed out.");
    expect(await hasEnded(lost)).toBe(true);
    expect(await isDead(here)).toBe(false);
  });

  test("of somebody else's device is not done", async () => {
    const mine = await logIn(identity.issuer, await account("u-mine"));
    const other = await logIn(identity.issuer, await account("u-other"));
    await mine.browser.post(`${identity.issuer}/account/sign-out`, { sid: other.tokens.claims.sid });
    expect(await isDead(other)).toBe(false);
  });

  test("everywhere ends all", async () => {
    const name = await account("u-all");
    const one = await logIn(identity.issuer, name);
    const two = await logIn(identity.issuer, name);
    await one.browser.post(`${identity.issuer}/account/sign-out-everywhere`, {});
    expect([await hasEnded(one), await hasEnded(two)]).toEqual([true, true]);
  });

  test("everywhere, and at once a log-in that works: it waits until what is issued is no longer revoked", async () => {
    const name = await account("u-again");
    await identity.api("POST", `/users/${name}/sign-out`);
    await identity.api("POST", `/users/${name}/sign-out`); // a second further, so that no slow machine waits it out
    const again = await logIn(identity.issuer, name);
    expect(await isDead(again)).toBe(false);
    await refresh(again.config, again.tokens.refreshToken);
  });

  test("is not done by another site's form", async () => {
    const login = await logIn(identity.issuer, await account("u-csrf"));
    const headers = { origin: "https://evil.example" };
    const page = await login.browser.post(`${identity.issuer}/account/sign-out-everywhere`, {}, headers);
    expect(page.status).toBe(403);
    expect(await isDead(login)).toBe(false);
  });
});

describe("a new password", () => {
  test("ends all that the old one began", async () => {
    const name = await account("u-change");
    const login = await logIn(identity.issuer, name);
    const form = { current: passwordOf(name), password: "another-password" };
    const wrong = await login.browser.post(`${identity.issuer}/account/password`, { ...form, current: "wrong" });
    expect(wrong.status).toBe(422);
    expect((await login.browser.post(`${identity.issuer}/account/password`, form)).text).toContain("Signed out");
    expect(await hasEnded(login)).toBe(true);
    await expect(logIn(identity.issuer, name)).rejects.toThrow("401");
  });

  test("by an administrator's link, once, and then by no earlier link", async () => {
    const name = await account("u-reset");
    const login = await logIn(identity.issuer, name);
    const link = async () =>
      ((await identity.api("POST", `/users/${name}/password-reset`)).json as { readonly url: string }).url;
    const [earlier, url] = [await link(), await link()];
    const browser = createBrowser(identity.issuer);
    expect((await browser.get(url)).text).toContain("Choose a new password");
    expect((await browser.post(url, { password: "short" })).status).toBe(422);
    expect((await browser.post(url, { password: "another-password" })).text).toContain("Your new password is set");
    for (const used of [url, earlier])
      expect((await browser.post(used, { password: "a-third-password" })).status).toBe(404);
    expect(await hasEnded(login)).toBe(true);
  });
});

test("a disabled account is ended, an enabled one logs in again", async () => {
  const name = await account("u-off");
  const login = await logIn(identity.issuer, name);
  expect(await identity.api("POST", `/users/${name}/disable`)).toEqual({ status: 200, json: { delivered: true } });
  expect(await hasEnded(login)).toBe(true);
  await identity.api("POST", `/users/${name}/enable`);
  expect(await isDead(await logIn(identity.issuer, name))).toBe(false);
});

test("the events say what happened", async () => {
  const name = await account("u-events");
  const login = await logIn(identity.issuer, name);
  await identity.api("POST", `/users/${name}/sign-out`);
  const items = (await plane.call("GET", "/v1/audit?limit=100")).json["items"] as readonly Record<string, unknown>[];
  const told = items.map(({ target, reason }) => JSON.stringify({ target, reason })).join("\n");
  expect(told).toContain(`"id":"${name}"},"reason":"identity service: logout_all"`);
  expect(told).toContain(`"id":"${login.tokens.claims.sid}"},"reason":"identity service: logout_all"`);
});

test("while Portcullis is away an ending is answered 202, and the person is told", async () => {
  const away = { url: "http://127.0.0.1:9", issuerId: "main", tokenFile: join(folder, "token") };
  const cutOff = await startIdentity({ portcullis: away });
  const { browser } = await logIn(cutOff.issuer, "alice");
  expect((await cutOff.api("POST", "/users/bob/sign-out")).status).toBe(202);
  const page = await browser.post(`${cutOff.issuer}/account/sign-out-everywhere`, {});
  expect(page.text).toContain("Applications have not all been told yet.");
  const again = await logIn(cutOff.issuer, "alice", { browser });
  const leave = await again.browser.get(`${cutOff.issuer}/session/end`);
  const form = { xsrf: hiddenIn(leave, "xsrf"), logout: "yes" };
  expect((await browser.post(`${cutOff.issuer}/session/end/confirm`, form)).text).toContain(
    "Applications have not all been told yet.",
  );
  await cutOff.stop();
});

describe("another device", () => {
  test("with the session's cookie must log in again, and until then the session gives out nothing", async () => {
    const name = await account("u-cookie");
    const owner = await logIn(identity.issuer, name);
    const thief = createBrowser(identity.issuer, SAFARI, owner.browser.cookies());
    expect((await thief.get(`${identity.issuer}/account`)).text).toContain("Please sign in again");
    expect(await errorOf(refresh(owner.config, owner.tokens.refreshToken))).toBe("invalid_grant");
    const sample = 'identity_suspicious_use_total{where="page",difference="device",action="step-up"}';
    expect(await identity.metric(sample)).toBeGreaterThan(0);
    const again = await logIn(identity.issuer, name, { browser: owner.browser });
    expect(again.tokens.claims.sid).toBe(owner.tokens.claims.sid);
    await refresh(owner.config, owner.tokens.refreshToken);
  });

  test("is known at a refresh from what the client tells of it, and a client that should tell must", async () => {
    const name = await account("u-told");
    const { config, tokens } = await logIn(identity.issuer, name, { client: "told" });
    expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_request");
    const same = { "x-device-user-agent": "Mozilla/5.0 (X11; Linux) Firefox/150.0", "x-device-address": "127.0.0.1" };
    const next = await refresh(config, tokens.refreshToken, same);
    const other = { "x-device-user-agent": SAFARI, "x-device-address": "198.51.100.7" };
    expect(await errorOf(refresh(config, next.refreshToken, other))).toBe("invalid_grant");
    expect(identity.logged()).toContain('"where":"refresh","difference":"device+network","action":"step-up"');
  });

  test("with an access token is noticed from sightings, and by policy ends the session", async () => {
    const portcullis = { url: plane.url, issuerId: "main", tokenFile: join(folder, "token") };
    const strict = await startIdentity({
      portcullis,
      devicePolicy: { device: "revoke", network: "log", country: "log" },
    });
    const login = await logIn(strict.issuer, "alice");
    const { jti } = login.tokens.claims;
    const see = async (userAgent: string, address: string): Promise<unknown> => {
      const sighting = { jti, user_agent: userAgent, address };
      return ((await strict.api("POST", "/sightings", [sighting], REPORT_TOKEN)).json["results"] as unknown[])[0];
    };
    expect(await see("shop/1.0", "192.0.2.10")).toEqual({ jti, known: true });
    expect(await see("shop/2.0", "192.0.2.99")).toEqual({ jti, known: true });
    expect(await see("shop/2.0", "198.51.100.7")).toEqual({ jti, known: true, difference: "network", action: "log" });
    expect(await isDead(login)).toBe(false);
    expect(await see("curl/8", "198.51.100.7")).toEqual({
      jti,
      known: true,
      difference: "device+network",
      action: "revoke",
    });
    expect(await isDead(login)).toBe(true);
    await strict.stop();
  });
});

describe("another country", () => {
  const open = { trustedProxies: 1, countryHeader: "x-edge-country" };
  const visit = async (from: Identity, cookies: Login["browser"], country: string): Promise<string> => {
    const headers = { "x-edge-country": country };
    return (await createBrowser(from.issuer, undefined, cookies.cookies(), headers).get(`${from.issuer}/account`)).text;
  };

  test("is believed of the proxy, and the person must log in again", async () => {
    const told = await startIdentity(open);
    const owner = await logIn(told.issuer, "alice", {
      browser: createBrowser(told.issuer, undefined, undefined, { "x-edge-country": "DE" }),
    });
    expect(await visit(told, owner.browser, "de")).toContain("Hello, alice");
    expect(await visit(told, owner.browser, "XX")).toContain("Hello, alice"); // nobody knows
    expect(await visit(told, owner.browser, "BR")).toContain("Please sign in again");
    const sample = 'identity_suspicious_use_total{where="page",difference="country",action="step-up"}';
    expect(await told.metric(sample)).toBeGreaterThan(0);
    await told.stop();
  });

  test("is nobody's word where no header is configured, and may be told of sightings", async () => {
    const owner = await logIn(identity.issuer, "bob");
    expect(await visit(identity, owner.browser, "BR")).toContain("Hello, bob");
    const { jti } = owner.tokens.claims;
    const see = async (country: string): Promise<unknown> => {
      const sighting = { jti, user_agent: "shop/1.0", address: "192.0.2.10", country };
      return ((await identity.api("POST", "/sightings", [sighting], REPORT_TOKEN)).json["results"] as unknown[])[0];
    };
    expect(await see("DE")).toEqual({ jti, known: true });
    expect(await see("BR")).toEqual({ jti, known: true, difference: "country", action: "step-up" });
  });
});

test("the private side wants a token, and a reporter's administers nothing", async () => {
  expect((await identity.api("POST", "/users/alice/disable", undefined, "wrong")).status).toBe(401);
  expect((await identity.api("POST", "/users/alice/disable", undefined, REPORT_TOKEN)).status).toBe(403);
  expect((await identity.api("POST", "/sightings", [], "")).status).toBe(401);
});
