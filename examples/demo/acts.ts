// The acts of the demo: who gets in, who does not, what a revocation does and how fast, and what each tier says when the
// store is gone.
import { startProcess, type RunningProcess } from "../../test/support/process.ts";
import { until } from "../../test/support/wait.ts";
import { startIssuer } from "../issuer/issuer.ts";
import {
  callPatiently,
  callThroughEnvoy,
  claimOf,
  headerAtUpstream,
  revokeToken,
  TIERS,
  type Call,
  type TierName,
} from "./calls.ts";
import { tokenOf } from "./people.ts";
import { AUDIENCE, type Stage } from "./stage.ts";
import { expectEqual, type Walk } from "./walk.ts";

/** The tier's maxStaleness in portcullis.yaml, and a second for a machine that is busy. */
const LATEST_REFUSAL_MS: Readonly<Record<TierName, number>> = { critical: 1_000, standard: 3_000, low: 4_000 };

const RECOVERY_MS = 3_000;

export async function goodCalls(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A good token gets in, and the upstream learns whose it is");
  let alice = "";
  await walk.step("alice logs in", async () => {
    alice = await tokenOf(stage, "alice");
    return "an ES256 token";
  });
  await walk.step("her call reaches the upstream with her identity", async () => {
    const answer = await callPatiently(stage, { ...TIERS.standard, token: alice });
    expectEqual("the status", answer.status, 200);
    expectEqual("x-auth-subject at the upstream", headerAtUpstream(answer, "x-auth-subject"), "alice");
    expectEqual("x-auth-tenant at the upstream", headerAtUpstream(answer, "x-auth-tenant"), "acme");
    expectEqual("x-auth-assurance at the upstream", headerAtUpstream(answer, "x-auth-assurance"), "live");
    return "x-auth-subject: alice, x-auth-assurance: live";
  });
  await walk.step("the same call again is answered from memory", async () => {
    const answer = await callPatiently(stage, { ...TIERS.standard, token: alice });
    expectEqual("x-auth-assurance at the upstream", headerAtUpstream(answer, "x-auth-assurance"), "recent");
    return "x-auth-assurance: recent";
  });
  await walk.step("a spoofed x-auth-subject is overwritten, its variants are removed", async () => {
    const headers = { "x-auth-subject": "root", X_Auth_Subject: "root", "x.auth.subject": "root" };
    const answer = await callPatiently(stage, { ...TIERS.standard, token: alice, headers });
    expectEqual("x-auth-subject at the upstream", headerAtUpstream(answer, "x-auth-subject"), "alice");
    expectEqual("x_auth_subject at the upstream", headerAtUpstream(answer, "x_auth_subject"), undefined);
    expectEqual("x.auth.subject at the upstream", headerAtUpstream(answer, "x.auth.subject"), undefined);
    return "root was asked for, alice it stays";
  });
  await walk.step("a second issuer's RS256 token is as good", async () => {
    const token = await stage.partner.sign({ algorithm: "RS256", claims: { sub: "pat" } });
    const answer = await callPatiently(stage, { ...TIERS.critical, token });
    expectEqual("x-auth-subject at the upstream", headerAtUpstream(answer, "x-auth-subject"), "pat");
    expectEqual("x-auth-issuer at the upstream", headerAtUpstream(answer, "x-auth-issuer"), stage.partner.issuer);
    return "and /payments is critical by Envoy's own word";
  });
  await walk.step("/admin wants a scope that alice has not and root has", async () => {
    const refused = await callPatiently(stage, { path: "/admin/users", token: alice });
    expectEqual("alice's status", refused.status, 403);
    const allowed = await callPatiently(stage, { path: "/admin/users", token: await tokenOf(stage, "root") });
    expectEqual("root's status", allowed.status, 200);
    return "403 and 200";
  });
}

export async function badTokens(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A bad token does not");
  const refuse = async (title: string, badToken: () => Promise<string>): Promise<void> =>
    walk.step(title, async () => {
      const answer = await callPatiently(stage, { ...TIERS.low, token: await badToken() });
      expectEqual("the status", answer.status, 401);
      expectEqual("the challenge", answer.challenge, 'Bearer error="invalid_token"');
      return `401 ${answer.challenge}`;
    });

  await walk.step("no token at all", async () => {
    const answer = await callPatiently(stage, TIERS.low);
    expectEqual("the status", answer.status, 401);
    return `401 ${answer.challenge}`;
  });
  await refuse("an expired one", async () => {
    const nowS = Math.floor(Date.now() / 1000);
    return stage.partner.sign({ claims: { iat: nowS - 600, exp: nowS - 300 } });
  });
  await refuse("a tampered one: alice's, with root's name in it", async () => {
    const [header, payload = "", signature] = (await tokenOf(stage, "alice")).split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "root" })).toString("base64url");
    return [header, forged, signature].join(".");
  });
  await refuse("a foreign one: another issuer's, who claims to be ours", async () => {
    const foreign = await startIssuer({ host: "127.0.0.1", port: 0, audience: AUDIENCE, lifetimeS: 900 });
    await foreign.close();
    return foreign.sign({ claims: { iss: stage.identity.issuer } });
  });
  await walk.step("an ambiguous path, whatever the token", async () => {
    const answer = await callPatiently(stage, { path: "/api%2Forders", token: await stage.partner.sign() });
    expectEqual("the status", answer.status, 400);
    return "400 for /api%2Forders";
  });
}

export async function revocations(stage: Stage, walk: Walk): Promise<void> {
  walk.act("A revocation is heeded, as soon as each tier promises");
  for (const tier of ["critical", "standard", "low"] as const) {
    await walk.step(`a revoked token is refused in tier ${tier}`, async () => {
      const token = await tokenOf(stage, "alice");
      const call = { ...TIERS[tier], token };
      expectEqual("the status before", (await callPatiently(stage, call)).status, 200);
      expectEqual("the control API's answer", await revokeToken(stage, token, "demo: stolen"), 201);
      const revokedAtMs = performance.now();
      const refusedAfterMs = await untilStatus(stage, call, 401, LATEST_REFUSAL_MS[tier], revokedAtMs);
      return `${refusedAfterMs.toFixed(1)} ms from revoke to refusal`;
    });
  }
  await walk.step("a revoked user is refused with every token there is (by the command line)", async () => {
    const tokens = [await tokenOf(stage, "bob"), await tokenOf(stage, "bob")];
    await stage.command("revoke", "user", "bob", "--issuer", "main", "--reason", "demo: left the company");
    const revokedAtMs = performance.now();
    for (const token of tokens) {
      await untilStatus(stage, { ...TIERS.critical, token }, 401, LATEST_REFUSAL_MS.critical, revokedAtMs);
    }
    return "both his tokens";
  });
  await walk.step("a fresh log-in of his works", async () => {
    // A watermark is in whole seconds, rounded up: a log-in within the second of the revocation dies with the others.
    const answer = await until(
      "bob's fresh log-in to work",
      async () => {
        const token = await tokenOf(stage, "bob");
        const { status } = await callPatiently(stage, { ...TIERS.critical, token });
        return status === 200 ? status : undefined;
      },
      3_000,
      100,
    );
    expectEqual("the status", answer, 200);
    return "from the next second on";
  });
}

export async function storeOutage(stage: Stage, walk: Walk): Promise<void> {
  walk.act("The store is taken away: each tier does what its line says");
  const token = await tokenOf(stage, "alice");
  const revoked = await tokenOf(stage, "alice");
  let lock: RunningProcess | undefined;
  await walk.step("another process takes an exclusive lock on the SQLite file", async () => {
    for (const call of Object.values(TIERS))
      expectEqual("before", (await callPatiently(stage, { ...call, token })).status, 200);
    expectEqual("the control API's answer", await revokeToken(stage, revoked, "demo: stolen"), 201);
    expectEqual("the revoked one", (await callThroughEnvoy(stage, { ...TIERS.critical, token: revoked })).status, 401);
    lock = startProcess(process.execPath, ["examples/demo/lock-store.ts", stage.storeFile]);
    await lock.line(/^locked$/m);
    return `pid ${lock.pid}`;
  });
  try {
    const lockedAtMs = performance.now();
    await walk.step("critical refuses at once", async () => {
      const ms = await untilStatus(stage, { ...TIERS.critical, token }, 503, 1_000, lockedAtMs);
      return `503 after ${ms.toFixed(0)} ms`;
    });
    await walk.step("standard goes on with answers younger than 2 s, then refuses", async () => {
      const ms = await untilStatus(stage, { ...TIERS.standard, token }, 503, 3_000, lockedAtMs);
      return `503 after ${ms.toFixed(0)} ms`;
    });
    await walk.step("low goes on, and marks each such call for the upstream", async () => {
      const ms = await untilAssurance(stage, { ...TIERS.low, token }, "fail-open", 4_000, lockedAtMs);
      return `x-auth-assurance: fail-open after ${ms.toFixed(0)} ms, for at most 5 min`;
    });
    await walk.step("a token seen revoked stays refused, in tier low too", async () => {
      expectEqual("the status", (await callThroughEnvoy(stage, { ...TIERS.low, token: revoked })).status, 401);
      return "401";
    });
  } finally {
    await lock?.stop();
  }
  const backAtMs = performance.now();
  await walk.step("the store is back, and so is critical", async () => {
    const ms = await untilStatus(stage, { ...TIERS.critical, token }, 200, RECOVERY_MS, backAtMs);
    return `200 after ${ms.toFixed(0)} ms`;
  });
  await walk.step("low asks it again", async () => {
    const fresh = await tokenOf(stage, "alice");
    const answer = await callThroughEnvoy(stage, { ...TIERS.low, token: fresh });
    expectEqual("x-auth-assurance at the upstream", headerAtUpstream(answer, "x-auth-assurance"), "live");
    return `x-auth-assurance: live (token ${claimOf(fresh, "jti").slice(0, 8)}…)`;
  });
}

/**
 * Calls until the answer is `status`, and returns how long that was after `sinceMs`. Any third answer is wrong, and so is
 * a refusal of Envoy's own.
 */
async function untilStatus(
  stage: Stage,
  call: Call,
  status: number,
  latestMs: number,
  sinceMs: number,
): Promise<number> {
  const before = status === 200 ? 503 : 200;
  const others = new Set<number>();
  const ms = await until(
    `${call.method} ${call.path} to answer ${status}`,
    async () => {
      const answer = status === 401 ? await callPatiently(stage, call) : await callThroughEnvoy(stage, call);
      const expected = answer.status === 200 || answer.refusedByPortcullis;
      if (expected && answer.status === status) return performance.now() - sinceMs;
      if (!expected || answer.status !== before) others.add(answer.status);
      return undefined;
    },
    latestMs,
    5,
  );
  expectEqual("other answers meanwhile", [...others].join(" "), "");
  return ms;
}

/** Calls until the upstream sees `assurance`; not one call may be refused meanwhile. */
async function untilAssurance(
  stage: Stage,
  call: Call,
  assurance: string,
  latestMs: number,
  sinceMs: number,
): Promise<number> {
  let refused = 0;
  const ms = await until(
    `the upstream to see ${assurance}`,
    async () => {
      const answer = await callThroughEnvoy(stage, call);
      if (answer.status !== 200) refused += 1;
      return headerAtUpstream(answer, "x-auth-assurance") === assurance ? performance.now() - sinceMs : undefined;
    },
    latestMs,
    20,
  );
  expectEqual("calls refused meanwhile", refused, 0);
  return ms;
}
