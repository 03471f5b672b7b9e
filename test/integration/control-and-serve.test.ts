// The product as it stands in production: two control planes and a sidecar, processes of their own over one real Redis.
// The guarantee is held to the millisecond: the last call that is allowed began no later than the
// acknowledgement plus the tier's staleness, however slow the machine.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS, startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const STALENESS_MS = { critical: 0, standard: 500, low: 1_500 } as const;
type Tier = keyof typeof STALENESS_MS;

/** A revoked answer is asked for again after this. */
const REVOKED_REUSE_MS = 1_000;

const ADMIN = randomBytes(32).toString("base64url");
const ISSUERS = `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
`;

let redis: RedisProcess;
let sidecar: SidecarUnderTest;
let planes: readonly PortcullisProcess[];

beforeAll(async () => {
  redis = await startRedis();
  const store = `store: { type: redis, url: "${redis.url}", timeout: 1s }\n`;
  const sha256 = createHash("sha256").update(ADMIN).digest("hex");
  const control = `${ISSUERS}${store}control: { tokens: [{ name: ops, sha256: ${sha256}, scopes: [portcullis:admin] }] }\n`;
  const startPlane = (): Promise<PortcullisProcess> =>
    startPortcullis({ command: "control", config: control, files: { "jwks.json": JWKS } });
  [sidecar, ...planes] = await Promise.all([
    startSidecar(`${ISSUERS}${store}deadline: 5s
tiers:
  critical: { maxStaleness: 0s }
  standard: { maxStaleness: ${STALENESS_MS.standard}ms }
  low: { maxStaleness: ${STALENESS_MS.low}ms, failOpenFor: 5m }
routes:
  - { path: /critical, tier: critical }
  - { path: /standard, tier: standard }
  - { path: /low, tier: low }
`),
    startPlane(),
    startPlane(),
  ]);
});
afterAll(async () => {
  await Promise.all([sidecar, ...planes].map((each) => each.stop()));
  await redis.stop();
});

interface Revoked {
  readonly id: string;
}

async function command(args: readonly string[], plane = 0): Promise<unknown> {
  const env = { PORTCULLIS_CONTROL_URL: planes[plane]?.controlUrl ?? "", PORTCULLIS_TOKEN: ADMIN };
  const { code, out, err } = await run([...args, "--json"], { env });
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

const revoke = (kind: string, id: readonly string[] = []): Promise<Revoked> =>
  command(["revoke", kind, ...id, "--reason", "test"]) as Promise<Revoked>;

async function statusOf(bearer: string, tier: Tier = "critical"): Promise<number> {
  return (await sidecar.check({ path: `/${tier}`, token: bearer })).status;
}

/** Asks until `status` is the answer; gives back when the last call began that was answered otherwise. */
async function lastOtherBegan(bearer: string, tier: Tier, status: number): Promise<number> {
  let lastMs = -Infinity;
  await until(`${status} in ${tier}`, async () => {
    const beganMs = performance.now();
    if ((await statusOf(bearer, tier)) === status) return true;
    lastMs = beganMs;
    return false;
  });
  return lastMs;
}

describe("a revocation by command", () => {
  test.each(["critical", "standard", "low"] as const)(
    "is in force in tier %s by the time that the guarantee says",
    async (tier) => {
      const jti = randomUUID();
      const bearer = token({ jti });
      expect(await statusOf(bearer, tier)).toBe(200);
      await revoke("token", [jti]);
      const acknowledgedMs = performance.now();
      expect(await lastOtherBegan(bearer, tier, 401)).toBeLessThanOrEqual(acknowledgedMs + STALENESS_MS[tier]);
    },
  );

  test.each([
    ["token", (claims: Claims) => [claims.jti]],
    ["session", (claims: Claims) => [claims.sid]],
    ["user", (claims: Claims) => [claims.sub]],
    ["tenant", (claims: Claims) => [claims.tenant]],
    ["client", (claims: Claims) => [claims.client_id]],
    ["key", () => ["k1"]],
    ["issuer", () => []],
    ["everything", () => []],
  ])("of kind %s refuses its tokens, and lifted lets them in within a second", async (kind, idOf) => {
    const claims = newClaims();
    const bearer = token({ ...claims });
    expect(await statusOf(bearer)).toBe(200);
    const args = kind === "issuer" ? ["--issuer", "main"] : idOf(claims);
    const { id } = await revoke(kind, args);
    expect(await statusOf(bearer)).toBe(401);
    await command(["unrevoke", id]);
    const liftedMs = performance.now();
    expect(await lastOtherBegan(bearer, "critical", 200)).toBeLessThan(liftedMs + REVOKED_REUSE_MS);
  });

  test("of one user leaves everybody else alone, and a later login works", async () => {
    const claims = newClaims();
    const { sub } = claims;
    const revoked = (await command(["revoke", "user", sub, "--reason", "test"])) as { readonly issued_before: number };
    expect(await statusOf(token({ ...claims }))).toBe(401);
    expect(await statusOf(token({ ...newClaims() }))).toBe(200);
    await until("the second of the revocation to be over", () => Date.now() / 1_000 >= revoked.issued_before);
    expect(await statusOf(token({ ...claims, jti: randomUUID() }))).toBe(200);
  });
});

interface Claims {
  readonly jti: string;
  readonly sid: string;
  readonly sub: string;
  readonly tenant: string;
  readonly client_id: string;
}

function newClaims(): Claims {
  return { jti: randomUUID(), sid: randomUUID(), sub: randomUUID(), tenant: randomUUID(), client_id: randomUUID() };
}

describe("any program that can write to Redis", () => {
  test("revokes a batch of tokens with one SET … EX each; a DEL lifts one within a second", async () => {
    const jtis = Array.from({ length: 50 }, () => randomUUID());
    const bearers = jtis.map((jti) => token({ jti }));
    for (const bearer of bearers) expect(await statusOf(bearer)).toBe(200);
    const script = "for i, jti in ipairs(ARGV) do redis.call('SET', 'revoked:jti:main:' .. jti, 'x', 'EX', 600) end";
    await redis.cli("EVAL", script, "0", ...jtis);
    expect(await Promise.all(bearers.map((bearer) => statusOf(bearer)))).toEqual(jtis.map(() => 401));
    await redis.cli("DEL", `revoked:jti:main:${jtis[0]}`);
    const liftedMs = performance.now();
    expect(await lastOtherBegan(bearers[0] ?? "", "critical", 200)).toBeLessThan(liftedMs + REVOKED_REUSE_MS);
    expect(await statusOf(bearers[1] ?? "")).toBe(401);
  });

  test("revokes a user's tokens of before with a bare integer", async () => {
    const claims = newClaims();
    const nowS = Math.floor(Date.now() / 1_000);
    const before = token({ ...claims, iat: nowS - 100 });
    const after = token({ ...claims, iat: nowS - 50 });
    await redis.cli("SET", `user:revoked_after:main:${claims.sub}`, String(nowS - 50), "EX", "600");
    expect([await statusOf(before), await statusOf(after)]).toEqual([401, 200]);
  });

  test("is listed by either control plane, and lifted by what the list calls it", async () => {
    const jti = randomUUID();
    await redis.cli("SET", `revoked:jti:main:${jti}`, "x", "EX", "600");
    const { items } = (await command(["list", "--id", jti], 1)) as { readonly items: readonly Revoked[] };
    expect(items).toHaveLength(1);
    await command(["unrevoke", items[0]?.id ?? ""], 0);
    expect(await redis.cli("EXISTS", `revoked:jti:main:${jti}`)).toBe("0");
  });
});

describe("two control planes", () => {
  const post = (plane: number, body: object, key: string): Promise<Response> =>
    fetch(`${planes[plane]?.controlUrl}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body),
    });

  test("know of each other's revocations", async () => {
    const sub = randomUUID();
    const { id } = await revoke("user", [sub]);
    const { items } = (await command(["list", "--kind", "user", "--id", sub], 1)) as {
      readonly items: readonly Revoked[];
    };
    expect(items.map((item) => item.id)).toEqual([id]);
    await command(["unrevoke", id], 1);
    expect(await command(["list", "--id", sub], 0)).toEqual({ items: [] });
  });

  test("give one answer to one request, whichever of them is asked again", async () => {
    const body = { target: { kind: "session", id: randomUUID() }, reason: "test" };
    const key = randomUUID();
    const first = await (await post(0, body, key)).json();
    const again = await post(1, body, key);
    expect([again.status, await again.json()]).toEqual([201, first]);
    expect((await post(1, { ...body, reason: "other" }, key)).status).toBe(422);
  });

  test("revoke one target at once: the latest watermark stands, under one id that lifts it", async () => {
    const target = { kind: "user", id: randomUUID() };
    const nowS = Math.floor(Date.now() / 1_000);
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const answer = await post(i % 2, { target, reason: "test", issuedBefore: nowS - i }, randomUUID());
        return { status: answer.status, id: ((await answer.json()) as Revoked).id };
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const { items } = (await command(["list", "--id", target.id])) as {
      readonly items: readonly { readonly id: string; readonly issued_before: number }[];
    };
    expect(items.map((item) => item.issued_before)).toEqual([nowS]);
    const lift = (id: string): Promise<Response> =>
      fetch(`${planes[1]?.controlUrl}/v1/revocations/${id}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${ADMIN}` },
      });
    const replaced = answers.filter(({ id }) => id !== items[0]?.id);
    expect(new Set(await Promise.all(replaced.map(async ({ id }) => (await lift(id)).status)))).toEqual(new Set([409]));
    expect((await lift(items[0]?.id ?? "")).status).toBe(204);
  });
});

test("while Redis is out nothing is acknowledged, and the command says so", async () => {
  redis.pause();
  try {
    const env = { PORTCULLIS_CONTROL_URL: planes[0]?.controlUrl ?? "", PORTCULLIS_TOKEN: ADMIN };
    const { code, out, err } = await run(["revoke", "user", "somebody", "--reason", "test"], { env });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^portcullis: .*\(503\)\n$/);
  } finally {
    redis.resume();
  }
});
