// Strangers that flood the control API, behind the same address as its administrators: they buy no work, and lock out
// nobody who is known.

import { afterEach, expect, test } from "vitest";
import type { Authenticator } from "../../src/control/access.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
afterEach(() => plane.stop());

const BURST = 5;
const CALLERS = 3;

/** Knows the tokens in `good`, and counts how often anybody made it look. */
function countingAuthenticator(good: Set<string>): Authenticator & { readonly asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    async authenticate(token) {
      asked += 1;
      if (!good.has(token)) return { ok: false, error: { cause: "refused" } };
      return { ok: true, value: { name: `main/${token}`, scopes: ["portcullis:admin"] } };
    },
  };
}

async function statusOf(token: string): Promise<number> {
  return (await plane.call("GET", "/v1/check?kind=everything", { token })).status;
}

async function flood(): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: 50 }, (_, i) => statusOf(`bad${i}.a.b`)));
}

async function start(authenticator: Authenticator): Promise<void> {
  plane = await startControlPlane({
    authenticators: [authenticator],
    strangerRate: { perSecond: 0.001, burstCount: BURST },
    callerRate: { perSecond: 0.001, burstCount: CALLERS },
  });
}

test("bad tokens cause no more verifications than the address's allowance has", async () => {
  const authenticator = countingAuthenticator(new Set());
  await start(authenticator);
  const statuses = await flood();
  expect(statuses.filter((status) => status === 401)).toHaveLength(BURST);
  expect(statuses.filter((status) => status === 429)).toHaveLength(50 - BURST);
  expect(authenticator.asked()).toBe(BURST);
});

test("a bootstrap token and an access token found good before get in through a flood, each at its own rate", async () => {
  await start(countingAuthenticator(new Set(["ada.a.b"])));
  expect(await statusOf("ada.a.b")).toBe(200);
  await flood();
  expect(await statusOf("ada.a.b")).toBe(200);
  expect(await statusOf(plane.tokens.reader)).toBe(200);
  expect([await statusOf("ada.a.b"), await statusOf("ada.a.b")]).toEqual([200, 429]);
});

test("a good token costs its address nothing", async () => {
  const good = Array.from({ length: 4 * BURST }, (_, i) => `ada${i}.a.b`);
  await start(countingAuthenticator(new Set(good)));
  for (const token of good) expect(await statusOf(token)).toBe(200);
  expect((await flood()).filter((status) => status === 401)).toHaveLength(BURST);
});

test("a token that is no longer good is a stranger's from its next call on", async () => {
  const good = new Set(["ada.a.b"]);
  const authenticator = countingAuthenticator(good);
  await start(authenticator);
  expect(await statusOf("ada.a.b")).toBe(200);
  good.clear();
  await flood();
  const before = authenticator.asked();
  expect([await statusOf("ada.a.b"), await statusOf("ada.a.b")]).toEqual([401, 429]);
  expect(authenticator.asked()).toBe(before + 1);
});
