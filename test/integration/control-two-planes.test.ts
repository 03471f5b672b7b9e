// Two `portcullis control` processes on one Redis behave as one: whichever is asked, the answer is the same.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBatch } from "../support/batch-call.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const TOKEN = randomBytes(32).toString("base64url");

let redis: RedisProcess;
let planes: readonly PortcullisProcess[];

beforeAll(async () => {
  redis = await startRedis();
  const sha256 = createHash("sha256").update(TOKEN).digest("hex");
  const start = (): Promise<PortcullisProcess> =>
    startPortcullis({
      command: "control",
      config: {
        issuers: [{ issuer: "https://id.example.com", jwks: { file: "jwks.json" }, audiences: ["orders-api"] }],
        store: { type: "redis", url: redis.url },
        control: { tokens: [{ name: "ops", sha256, scopes: ["portcullis:admin"] }] },
      },
      files: { "jwks.json": '{"keys":[]}' },
    });
  planes = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await Promise.all(planes.map((plane) => plane.stop()));
  await redis.stop();
});

interface Told {
  readonly status: number;
  readonly text: string;
  readonly json: { readonly id: string; readonly code?: string; readonly items: readonly Item[] };
}

interface Item {
  readonly id: string;
  readonly target?: { readonly id?: string };
  readonly chain?: number;
}

async function call(plane: number, method: string, path: string, body?: object, key?: string): Promise<Told> {
  const answer = await fetch(`${planes[plane]?.controlUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: (text === "" ? {} : JSON.parse(text)) as Told["json"] };
}

const revoke = (plane: number, id: string, key?: string): Promise<Told> =>
  call(plane, "POST", "/v1/revocations", { target: { kind: "session", id }, reason: "test" }, key);

test("what one has done for an Idempotency-Key the other answers too, and refuses for another body", async () => {
  const [id, key] = [randomUUID(), randomUUID()];
  const first = await revoke(0, id, key);
  expect(first.status).toBe(201);
  const again = await revoke(1, id, key);
  expect([again.status, again.text]).toEqual([201, first.text]);
  expect((await revoke(1, randomUUID(), key)).json.code).toBe("idempotency_key_reused");
});

test("asked for the same by both at once, one does it, and all are given its answer", async () => {
  const [id, key] = [randomUUID(), randomUUID()];
  const told = await Promise.all(Array.from({ length: 10 }, (_, i) => revoke(i % 2, id, key)));
  expect(told.map(({ status }) => status)).toEqual(told.map(() => 201));
  expect(new Set(told.map(({ text }) => text)).size).toBe(1);
  const { items } = (await call(0, "GET", "/v1/audit?limit=1000")).json;
  expect(items.filter(({ target }) => target?.id === id)).toHaveLength(1);
});

test("what one revokes the other lists, strengthens, tells superseded, and lifts", async () => {
  const id = randomUUID();
  const query = `/v1/revocations?kind=session&issuer=main&id=${id}`;
  const first = (await revoke(0, id)).json;
  expect((await call(1, "GET", query)).json.items.map((item) => item.id)).toEqual([first.id]);
  const second = (await revoke(1, id)).json;
  expect((await call(0, "DELETE", `/v1/revocations/${first.id}`)).json.code).toBe("superseded");
  expect((await call(0, "DELETE", `/v1/revocations/${second.id}`)).status).toBe(204);
  expect((await call(1, "GET", query)).json.items).toEqual([]);
  expect((await call(1, "DELETE", `/v1/revocations/${second.id}`)).status).toBe(404);
});

test("a target that both revoke many times at once has one live revocation", async () => {
  const id = randomUUID();
  const told = await Promise.all(Array.from({ length: 20 }, (_, i) => revoke(i % 2, id)));
  expect(told.map(({ status }) => status)).toEqual(told.map(() => 201));
  const live = await Promise.all(told.map(({ json }, i) => call((i + 1) % 2, "GET", `/v1/revocations/${json.id}`)));
  expect(live.filter(({ status }) => status === 200)).toHaveLength(1);
});

test("a batch that was cut off at one is finished by the other: what was done is not done again", async () => {
  const ids = Array.from({ length: 40 }, () => randomUUID());
  const lines = ids.map((id) => `{"target":{"kind":"session","id":"${id}"},"reason":"batch"}\n`);
  const key = `idempotency-key: ${randomUUID()}\r\n`;
  const cut = openBatch(planes[0]?.controlUrl ?? "", TOKEN, key);
  cut.send(lines.slice(0, 15).join(""));
  const before = await cut.answered(15);
  cut.socket.destroy();
  const whole = openBatch(planes[1]?.controlUrl ?? "", TOKEN, key);
  whole.send(lines.join(""));
  whole.finish();
  const answers = await whole.answered(40);
  expect(answers.slice(0, 15)).toEqual(before);
  expect(answers.filter(({ id }) => id !== undefined)).toHaveLength(40);
  whole.socket.destroy();
  const { items } = (await call(0, "GET", "/v1/audit?limit=1000")).json;
  expect(items.filter(({ target }) => ids.some((id) => id === target?.id))).toHaveLength(40);
});

test("the trail of both is one, whole and in order, from either; and it goes on after a kill", async () => {
  const ids = Array.from({ length: 20 }, () => randomUUID());
  for (const [i, id] of ids.entries()) expect((await revoke(i % 2, id)).status).toBe(201);
  const trails = await Promise.all([call(0, "GET", "/v1/audit?limit=20"), call(1, "GET", "/v1/audit?limit=20")]);
  expect(trails[0]?.text).toBe(trails[1]?.text);
  expect(trails[0]?.json.items.map(({ target }) => target?.id)).toEqual(ids.toReversed());
  expect(new Set(trails[0]?.json.items.map(({ chain }) => chain)).size).toBe(2);
  planes[1]?.process.signal("SIGKILL");
  await planes[1]?.process.end();
  await until("the other to go on", async () => (await revoke(0, randomUUID())).status === 201);
  expect((await call(0, "GET", "/v1/audit/verify")).json).toMatchObject({ valid: true, lost: 0 });
});
