// The control plane with a system of record: a real PostgreSQL, a real Redis that loses everything, or gets back what was
// lifted, and real processes between them (issue: an acknowledged revocation outlives a flushed Redis).

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { HAS_POSTGRES, startPostgres, type PostgresProcess } from "../support/postgres-server.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");

interface Answer {
  readonly status: number;
  readonly json: { readonly id: string; readonly issued_before?: number; readonly code?: string };
}

describe.skipIf(!HAS_POSTGRES)("a control plane with a system of record", () => {
  let postgres: PostgresProcess;
  let redis: RedisProcess;
  let planes: PortcullisProcess[];

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    planes = await Promise.all([startPlane(), startPlane()]);
  });
  afterAll(async () => {
    await Promise.all(planes.map((plane) => plane.stop()));
    await Promise.all([postgres.stop(), redis.stop()]);
  });

  function startPlane(): Promise<PortcullisProcess> {
    const sha256 = createHash("sha256").update(ADMIN).digest("hex");
    return startPortcullis({
      command: "control",
      config: `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
store: { type: redis, url: "${redis.url}", timeout: 1s }
record: "${postgres.url}"
control: { tokens: [{ name: ops, sha256: ${sha256}, scopes: [portcullis:admin] }] }
`,
      files: { "jwks.json": JWKS },
    });
  }

  async function call(method: string, path: string, body?: object, plane = 0): Promise<Answer> {
    const response = await fetch(`${planes[plane]?.controlUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Answer["json"] };
  }

  async function revoke(kind: string, id: string, plane = 0, more: object = {}): Promise<Answer> {
    return call("POST", "/v1/revocations", { target: { kind, id }, reason: "test", ...more }, plane);
  }

  const markerOf = (jti: string): Promise<string> => redis.cli("GET", `revoked:jti:main:${jti}`);

  const repairs = (): string => planes.map((plane) => plane.process.output()).join("");

  test("what was acknowledged is back within seconds, by itself, after Redis was flushed", async () => {
    const jtis = Array.from({ length: 20 }, () => randomUUID());
    const users = Array.from({ length: 5 }, () => randomUUID());
    for (const jti of jtis) expect((await revoke("token", jti)).status).toBe(201);
    const watermarks = await Promise.all(users.map((user) => revoke("user", user, 1)));
    await redis.cli("FLUSHALL");
    await until("all markers", async () => (await Promise.all(jtis.map(markerOf))).every((value) => value !== ""));
    await until("all watermarks", async () => {
      const values = await Promise.all(users.map((user) => redis.cli("GET", `user:revoked_after:main:${user}`)));
      return values.every((value, index) => value.includes(`"issued_before":${watermarks[index]?.json.issued_before}`));
    });
    expect(Number(await redis.cli("PTTL", `revoked:jti:main:${jtis[0]}`))).toBeGreaterThan(3_000_000);
    expect(repairs()).toContain("store_repaired_from_record");
  });

  test("a revocation that was brought back can be lifted under its own id, and stays lifted", async () => {
    const jti = randomUUID();
    const { json } = await revoke("token", jti);
    await redis.cli("FLUSHALL");
    expect((await call("DELETE", `/v1/revocations/${json.id}`)).status).toBe(204);
    const other = randomUUID();
    await revoke("token", other);
    await redis.cli("FLUSHALL");
    // A flush that falls between two looks is found by the next walk.
    await until("another one to be back", async () => (await markerOf(other)) !== "", 30_000);
    expect(await markerOf(jti)).toBe("");
  });

  test("what was lifted does not come back with an older copy of Redis", async () => {
    const jti = randomUUID();
    const { json } = await revoke("token", jti);
    await redis.cli("SAVE");
    const older = await redis.cli("GET", `revoked:jti:main:${jti}`);
    expect((await call("DELETE", `/v1/revocations/${json.id}`)).status).toBe(204);
    // Killed and started from its file: both are there again, as after a restore.
    await redis.kill();
    await redis.restart();
    expect(await markerOf(jti)).toBe(older);
    await until("it to be gone again", async () => (await markerOf(jti)) === "", 20_000);
  });

  test("without the record nothing is acknowledged, and what is read still is", async () => {
    const jti = randomUUID();
    const { json } = await revoke("token", jti);
    await postgres.kill();
    const refused = await revoke("token", randomUUID());
    expect([refused.status, refused.json.code]).toEqual([503, "store_unavailable"]);
    expect((await call("DELETE", `/v1/revocations/${json.id}`)).status).toBe(503);
    expect((await call("GET", `/v1/revocations/${json.id}`)).status).toBe(200);
    await postgres.restart();
    await until("writes to be good again", async () => (await revoke("token", jti)).status === 201);
  });

  test("a revocation recorded while Redis was out is in force once it is back, though nobody was told so", async () => {
    const jti = randomUUID();
    await redis.kill();
    expect((await revoke("token", jti)).status).toBe(503);
    await redis.restart();
    await until("the marker", async () => (await markerOf(jti)) !== "", 30_000);
  });

  test("two control planes that revoke one target at once leave one row that the store agrees with", async () => {
    const user = randomUUID();
    const base = Math.floor(Date.now() / 1_000);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => revoke("user", user, n % 2, { issuedBefore: base - n })),
    );
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 201));
    const [row] = await postgres.query(`SELECT id, issued_before_s FROM portcullis_revocations WHERE name = '${user}'`);
    expect(row?.["issued_before_s"]).toBe(base);
    const value = JSON.parse(await redis.cli("GET", `user:revoked_after:main:${user}`)) as Record<string, unknown>;
    expect(value).toMatchObject({ id: row?.["id"], issued_before: base });
  });
});
