// The people's side of the demo: tokens refreshed and stolen, logging out everywhere, a second issuer's log-out, keys that
// change while calls go on.
import { readFileSync } from "node:fs";
import { openEvents } from "../../test/support/event-stream.ts";
import { errorOf, refresh } from "../../test/support/oidc-login.ts";
import { callPatiently, headerOfToken, TIERS } from "./calls.ts";
import { logIn, tokenOf } from "./people.ts";
import type { Stage } from "./stage.ts";
import { expectEqual, type Walk } from "./walk.ts";

/** What each tier answers to a call with `token`, at this moment. */
async function answers(stage: Stage, token: string): Promise<string> {
  const all = await Promise.all(Object.values(TIERS).map((call) => callPatiently(stage, { ...call, token })));
  return all.map(({ status }) => status).join(" ");
}

const LIVE = "200 200 200";
const DEAD = "401 401 401";

export async function refreshTheft(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A refresh token is stolen: whoever uses it, the session is over");
  const alice = await logIn(stage, "alice");
  const stolen = alice.tokens.refreshToken;
  let newest = alice.tokens;
  await walk.step("alice's client refreshes twice", async () => {
    newest = await refresh(alice.config, stolen);
    newest = await refresh(alice.config, newest.refreshToken);
    expectEqual("with her newest token", await answers(stage, newest.accessToken), LIVE);
    expectEqual("with her first", await answers(stage, alice.tokens.accessToken), LIVE);
    return "a new pair each time; access tokens live on";
  });
  const events = await openEvents(`${stage.controlUrl}/v1/events`, readFileSync(stage.tokenFile, "utf8").trim());
  await walk.step("a thief uses a copy of her first one: refused", async () => {
    expectEqual("the answer", await errorOf(refresh(alice.config, stolen)), "invalid_grant");
    return "invalid_grant, and in the same round trip …";
  });
  await walk.step("… every access token of that session is dead at Envoy, in every tier", async () => {
    expectEqual("with her newest token", await answers(stage, newest.accessToken), DEAD);
    expectEqual("with her first", await answers(stage, alice.tokens.accessToken), DEAD);
    return "401 for both";
  });
  await walk.step("… and so is the refresh token that was good a moment ago", async () => {
    expectEqual("the answer", await errorOf(refresh(alice.config, newest.refreshToken)), "invalid_grant");
    return "she logs in again";
  });
  await walk.step("whoever follows /v1/events was told", async () => {
    const [event] = await events.seen(1);
    expectEqual("the event", event?.data.type, "SESSION_REVOKED");
    expectEqual("its session", event?.data.target?.id, alice.tokens.claims.sid);
    return "SESSION_REVOKED";
  });
  events.close();
}

export async function logOutEverywhere(stage: Stage, walk: Walk): Promise<void> {
  walk.act("Logging out of all devices");
  const [laptop, phone] = [await logIn(stage, "bob"), await logIn(stage, "bob")];
  await walk.step("bob signs out everywhere, on his laptop's account page", async () => {
    expectEqual("with his phone before", await answers(stage, phone.tokens.accessToken), LIVE);
    const page = await laptop.browser.post(`${stage.identity.issuer}/account/sign-out-everywhere`, {});
    expectEqual("the page's status", page.status, 200);
    for (const { tokens } of [laptop, phone]) expectEqual("after it", await answers(stage, tokens.accessToken), DEAD);
    return "401 for laptop and phone, once the page is there";
  });
  await walk.step("neither can refresh", async () => {
    for (const { config, tokens } of [laptop, phone])
      expectEqual("the answer", await errorOf(refresh(config, tokens.refreshToken)), "invalid_grant");
    return "invalid_grant";
  });
  await walk.step("he logs in again, and that works at once", async () => {
    expectEqual("after it", await answers(stage, await tokenOf(stage, "bob")), LIVE);
    return "within the next second, for what was issued in that one is revoked";
  });
}

export async function secondIssuer(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A second issuer logs somebody out (OpenID Connect Back-Channel Logout)");
  const sid = "partner-session-1";
  const ended = await stage.partner.sign({ claims: { sid } });
  const other = await stage.partner.sign();
  await walk.step("its logout token ends that session", async () => {
    expectEqual("before", await answers(stage, ended), LIVE);
    const logoutToken = await stage.partner.sign({
      header: { typ: "logout+jwt" },
      claims: {
        sid,
        aud: "shop-at-partner",
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      },
    });
    const body = new URLSearchParams({ logout_token: logoutToken });
    const response = await fetch(`${stage.controlUrl}/backchannel-logout`, { method: "POST", body });
    expectEqual("Portcullis' answer", response.status, 200);
    expectEqual("after it", await answers(stage, ended), DEAD);
    return "401";
  });
  await walk.step("and no other", async () => {
    expectEqual("the status", await answers(stage, other), LIVE);
    return "200";
  });
}

export async function keyRotation(stage: Stage, walk: Walk): Promise<void> {
  walk.act("The signing key changes while calls go on");
  const before = await tokenOf(stage, "alice");
  await walk.step("not one call is refused", async () => {
    let calls = 0;
    const refused: number[] = [];
    const over = new AbortController();
    const calling = (async () => {
      while (!over.signal.aborted) {
        const { status } = await callPatiently(stage, { ...TIERS.critical, token: before });
        calls += 1;
        if (status !== 200) refused.push(status);
      }
    })();
    const rotated = await administer(stage, "/keys/rotate");
    expectEqual("the rotation's status", rotated.status, 200);
    const after = await tokenOf(stage, "alice");
    if (headerOfToken(after, "kid") === headerOfToken(before, "kid")) expectEqual("the key", "the same", "another");
    expectEqual("with a token of the new key", await answers(stage, after), LIVE);
    expectEqual("with a token of the old one", await answers(stage, before), LIVE);
    over.abort();
    await calling;
    expectEqual("calls refused meanwhile", refused.join(" "), "");
    return `${calls} calls meanwhile, tokens of both keys are good`;
  });
}

export async function opaqueToken(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A token that is opaque: the identity service is asked about it");
  let token = "";
  await walk.step("root logs in at a client that gets such tokens, and calls", async () => {
    const { tokens } = await logIn(stage, "root", stage.opaqueClient);
    token = tokens.accessToken;
    expectEqual("its parts", token.split(".").length, 1);
    expectEqual("before", await answers(stage, token), LIVE);
    return `200; the token is ${token.slice(0, 6)}… and says nothing`;
  });
  await walk.step("an administrator signs root out", async () => {
    const signedOut = await administer(stage, "/users/root/sign-out");
    expectEqual("the status", signedOut.status, 200);
    expectEqual("after it", await answers(stage, token), DEAD);
    return "401";
  });
}

async function administer(stage: Stage, path: string): Promise<Response> {
  return fetch(`${stage.identity.privateUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${stage.adminToken}` },
  });
}
