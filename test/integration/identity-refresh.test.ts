// Refresh tokens of the reference identity service: rotated, forgiven for a lost answer, and when one is used by two, the
// end of the session here and in a real Portcullis before the thief reads his refusal.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenRevocation } from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSqliteStore } from "../../examples/identity-service/store/sqlite.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { logIn, startIdentity, type Identity } from "../support/identity.ts";
import { errorOf, refresh } from "../support/oidc-login.ts";
import { until } from "../support/wait.ts";

let plane: ControlPlane;
let folder: string;
let identity: Identity;
let issuer: string;

beforeAll(async () => {
  plane = await startControlPlane();
  folder = mkdtempSync(join(tmpdir(), "identity-"));
  writeFileSync(join(folder, "token"), plane.tokens.revoker);
  identity = await start();
  issuer = identity.issuer;
});
afterAll(async () => {
  await identity.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(changes: Parameters<typeof startIdentity>[0] = {}): Promise<Identity> {
  const portcullis = { url: plane.url, issuerId: "main", tokenFile: join(folder, "token") };
  return startIdentity({ portcullis, ...changes });
}

/** By how much a counter has grown. */
async function counted(sample: string): Promise<() => Promise<number>> {
  const before = await identity.metric(sample);
  return async () => (await identity.metric(sample)) - before;
}

async function isRevoked(kind: string, id: string): Promise<unknown> {
  return (await plane.call("GET", `/v1/check?kind=${kind}&issuer=main&id=${id}`)).json["revoked"];
}

test("each use gives a new token of the same session", async () => {
  const rotated = await counted('identity_refreshes_total{result="rotated"}');
  const { config, tokens } = await logIn(issuer, "alice");
  const second = await refresh(config, tokens.refreshToken);
  const third = await refresh(config, second.refreshToken);
  expect(new Set([tokens.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3);
  expect(third.claims.sid).toBe(tokens.claims.sid);
  expect(third.claims.jti).not.toBe(tokens.claims.jti);
  expect(await rotated()).toBe(2);
});

test("one used again after its successor ends the session, here and in Portcullis, before the refusal is read", async () => {
  const reuse = await counted("identity_refresh_reuse_total");
  const refused = await counted('identity_refreshes_total{result="refused"}');
  const { config, tokens, browser } = await logIn(issuer, "alice");
  const second = await refresh(config, tokens.refreshToken);
  const third = await refresh(config, second.refreshToken);
  expect(await isRevoked("session", tokens.claims.sid)).toBe(false);

  expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_grant");

  expect(await isRevoked("session", tokens.claims.sid)).toBe(true);
  expect(await errorOf(refresh(config, third.refreshToken))).toBe("invalid_grant");
  expect((await browser.get(`${issuer}/account`)).url).toContain("/interaction/");
  expect([await reuse(), await refused()]).toEqual([1, 2]);
});

test("the log-in after it is another session and works", async () => {
  const { config, tokens, browser } = await logIn(issuer, "alice");
  await refresh(config, (await refresh(config, tokens.refreshToken)).refreshToken);
  await errorOf(refresh(config, tokens.refreshToken));
  const again = await logIn(issuer, "alice", { browser });
  expect(again.tokens.claims.sid).not.toBe(tokens.claims.sid);
  expect((await refresh(again.config, again.tokens.refreshToken)).claims.sid).toBe(again.tokens.claims.sid);
});

test("a client whose answer was lost asks again within the grace and goes on", async () => {
  const grace = await counted('identity_refreshes_total{result="grace"}');
  const { config, tokens } = await logIn(issuer, "alice");
  await refresh(config, tokens.refreshToken); // lost on the way
  const second = await refresh(config, tokens.refreshToken);
  await refresh(config, second.refreshToken);
  expect(await isRevoked("session", tokens.claims.sid)).toBe(false);
  expect(await grace()).toBe(1);
});

test("within the grace, too, only one line goes on: the answer that was replaced is a copy", async () => {
  const { config, tokens } = await logIn(issuer, "alice");
  const thiefs = await refresh(config, tokens.refreshToken);
  const owners = await refresh(config, tokens.refreshToken);
  expect(await errorOf(refresh(config, thiefs.refreshToken))).toBe("invalid_grant");
  expect(await errorOf(refresh(config, owners.refreshToken))).toBe("invalid_grant");
  expect(await isRevoked("session", tokens.claims.sid)).toBe(true);
});

test("after the grace nothing is forgiven", async () => {
  const strict = await start({ refreshGraceMs: 0 });
  const { config, tokens } = await logIn(strict.issuer, "alice");
  await refresh(config, tokens.refreshToken);
  await until(
    "the clock to go on",
    async () => (await errorOf(refresh(config, tokens.refreshToken))) === "invalid_grant",
  );
  expect(await isRevoked("session", tokens.claims.sid)).toBe(true);
  await strict.stop();
});

test("two uses at one time leave one line, never two", async () => {
  const { config, tokens } = await logIn(issuer, "alice");
  const answers = await Promise.all(Array.from({ length: 4 }, () => refresh(config, tokens.refreshToken)));
  const next = await Promise.all(answers.map((answer) => errorOf(refresh(config, answer.refreshToken))));
  expect(next.filter((error) => error === "").length).toBeLessThanOrEqual(1);
  expect(await isRevoked("session", tokens.claims.sid)).toBe(true);
});

test("a stolen refresh token is of no use to another client, and does not end its owner's session", async () => {
  const { config, tokens } = await logIn(issuer, "alice");
  const other = await logIn(issuer, "bob", { client: "told" });
  expect(await errorOf(refresh(other.config, tokens.refreshToken))).toBe("invalid_grant");
  await refresh(config, tokens.refreshToken);
});

test("while Portcullis is away the session ends here at once, the revocation is kept over a restart and is sent", async () => {
  const file = join(folder, "identity.db");
  const away = { url: "http://127.0.0.1:9", issuerId: "main", tokenFile: join(folder, "token") };
  const first = await start({ portcullis: away, store: openSqliteStore(file) });
  const { config, tokens } = await logIn(first.issuer, "alice");
  await refresh(config, (await refresh(config, tokens.refreshToken)).refreshToken);
  expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_grant");

  expect(await first.metric("identity_revocations_pending")).toBe(1);
  expect((await first.api("GET", "/outbox")).json["pending"]).toMatchObject([
    { kind: "session", target: tokens.claims.sid, reason: "identity service: refresh_reuse" },
  ]);
  expect(first.logged()).toContain("revocations_not_acknowledged");
  await first.stop();

  const second = await start({ store: openSqliteStore(file) });
  await until("the revocation to arrive", async () => (await isRevoked("session", tokens.claims.sid)) === true);
  await until("the outbox to be empty", async () => (await second.metric("identity_revocations_pending")) === 0);
  await second.stop();
});

test("a client that gives its refresh token back (RFC 7009) ends its access tokens, and the session goes on", async () => {
  const { config, tokens, browser } = await logIn(issuer, "alice");
  const second = await refresh(config, tokens.refreshToken);
  await tokenRevocation(config, second.refreshToken);
  expect(await isRevoked("token", tokens.claims.jti)).toBe(true);
  expect(await isRevoked("token", second.claims.jti)).toBe(true);
  expect(await isRevoked("session", tokens.claims.sid)).toBe(false);
  expect(await errorOf(refresh(config, second.refreshToken))).toBe("invalid_grant");
  expect((await logIn(issuer, "nobody", { browser })).tokens.claims["sub"]).toBe("alice");
});

test("a code that is used again ends what it gave", async () => {
  const { config, tokens, exchangeAgain } = await logIn(issuer, "alice");
  expect(await errorOf(exchangeAgain())).toBe("invalid_grant");
  expect(await errorOf(refresh(config, tokens.refreshToken))).toBe("invalid_grant");
  expect(await isRevoked("token", tokens.claims.jti)).toBe(true);
});
