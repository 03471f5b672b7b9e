// Through real Envoys and a real Redis that any program may write to: revoked is refused, lifted is let in again.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call } from "../support/http-call.ts";
import { until } from "../support/wait.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

/** The standard tier's maxStaleness (2 s), with room for a busy machine. */
const STANDARD_BOUND_MS = 5_000;

describe.each(ENVOY_VERSIONS)("Envoy %s", (version) => {
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    envoy = await startEnvoy({ version, portcullis: guarded.sidecar.grpcPort, upstreamPort: guarded.upstream.port });
  });
  afterAll(() => envoy.stop());

  async function statusOf(path: string, token: string): Promise<number> {
    return (await call(envoy.url, { method: "POST", path, token })).status;
  }

  test.each([
    ["token", "revoked:jti:main:", "jti"],
    ["session", "revoked:sid:main:", "sid"],
  ])("a %s revoked by one SET is refused at the very next call of the critical tier", async (_, key, claim) => {
    const id = randomUUID();
    const token = await guarded.issuer.sign({ claims: { [claim]: id } });
    expect(await statusOf("/critical/x", token)).toBe(200);
    await guarded.redis.cli("SET", `${key}${id}`, "1", "EX", "60");
    const answer = await call(envoy.url, { method: "POST", path: "/critical/x", token });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
  });

  test("a user's tokens from before are refused, those from after are not", async () => {
    const sub = `user-${randomUUID()}`;
    const nowS = Math.floor(Date.now() / 1000);
    const before = await guarded.issuer.sign({ claims: { sub, iat: nowS - 10 } });
    const after = await guarded.issuer.sign({ claims: { sub, iat: nowS } });
    await guarded.redis.cli("SET", `user:revoked_after:main:${sub}`, String(nowS));
    expect(await statusOf("/critical/x", before)).toBe(401);
    expect(await statusOf("/critical/x", after)).toBe(200);
  });

  test("the standard tier heeds it within its staleness, though it answers from memory", async () => {
    const jti = randomUUID();
    const token = await guarded.issuer.sign({ claims: { jti } });
    expect(await statusOf("/orders", token)).toBe(200);
    await guarded.redis.cli("SET", `revoked:jti:main:${jti}`, "1", "EX", "60");
    await until("a refusal", async () => (await statusOf("/orders", token)) === 401, STANDARD_BOUND_MS);
  });

  test("a lifted revocation lets the token in again", async () => {
    const jti = randomUUID();
    const token = await guarded.issuer.sign({ claims: { jti } });
    await guarded.redis.cli("SET", `revoked:jti:main:${jti}`, "1", "EX", "60");
    expect(await statusOf("/critical/x", token)).toBe(401);
    await guarded.redis.cli("DEL", `revoked:jti:main:${jti}`);
    await until(
      "the token to be let in",
      async () => (await statusOf("/critical/x", token)) === 200,
      STANDARD_BOUND_MS,
    );
  });

  test("Envoy's log names the kind of denial, and the id of the revocation where there is one", async () => {
    const jti = randomUUID();
    const id = randomUUID();
    const value = JSON.stringify({ v: 1, id, reason: "stolen", by: "test", at: Date.now() });
    await guarded.redis.cli("SET", `revoked:jti:main:${jti}`, value, "EX", "60");
    expect(await statusOf("/critical/x", await guarded.issuer.sign({ claims: { jti } }))).toBe(401);
    await expect
      .poll(() => envoy.accessLog())
      .toContainEqual(expect.objectContaining({ decision: "deny", reason: "revoked", revocation_id: id }));
  });
});
