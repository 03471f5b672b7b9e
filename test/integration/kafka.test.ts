// The control plane at Kafka, with a real broker and a real Redis: what it publishes, what revokes by it, and what becomes
// of both when one of the three is out or dies.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startKafka, WHY_NO_KAFKA, type KafkaBroker, type SeenRecord } from "../support/kafka-server.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");
const OURS = "urn:portcullis:test";
const AUDIENCE = "test-fleet";
const HR = "https://hr.example.com";
const GROUP = "portcullis-test";
const [PUBLISHED, ORDERS, DEAD] = ["revocations", "orders", "dead-letters"] as const;
const TYPE = "portcullis.revoked.v1";

/** A broker that comes back, a group that comes together again, on a machine that does other things as well. */
const SOON_MS = 40_000;

describe.skipIf(WHY_NO_KAFKA !== "")(`a control plane at Kafka${WHY_NO_KAFKA}`, () => {
  let kafka: KafkaBroker;
  let redis: RedisProcess;
  let plane: PortcullisProcess;
  let published: () => readonly SeenRecord[];
  let dead: () => readonly SeenRecord[];

  const startPlane = (): Promise<PortcullisProcess> =>
    startPortcullis({
      command: "control",
      files: { "jwks.json": JWKS },
      config: {
        issuers: [
          {
            issuer: "https://id.example.com",
            jwks: { file: "jwks.json" },
            audiences: ["orders-api"],
            algorithms: ["ES256"],
          },
        ],
        store: { type: "redis", url: redis.url, timeout: "1s" },
        control: {
          tokens: [
            { name: "ops", sha256: createHash("sha256").update(ADMIN).digest("hex"), scopes: ["portcullis:admin"] },
          ],
        },
        kafka: {
          brokers: [kafka.address],
          publish: { topic: PUBLISHED, source: OURS },
          consume: {
            group: GROUP,
            audience: AUDIENCE,
            deadLetterTopic: DEAD,
            senders: [{ id: "hr", topic: ORDERS, source: HR, kinds: ["token", "session", "user"] }],
          },
        },
      },
    });

  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    await kafka.createTopics(PUBLISHED, ORDERS, DEAD);
    [plane, published, dead] = await Promise.all([startPlane(), kafka.watch(PUBLISHED), kafka.watch(DEAD)]);
  }, 120_000);
  afterAll(async () => {
    await plane.stop();
    await Promise.all([kafka.stop(), redis.stop()]);
  });

  async function call(method: string, path: string, body?: object): Promise<{ status: number; json: Json }> {
    const response = await fetch(new URL(path, plane.controlUrl), {
      method,
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Json };
  }
  const revoke = (jti: string): Promise<{ status: number; json: Json }> =>
    call("POST", "/v1/revocations", { target: { kind: "token", id: jti }, reason: "test" });
  const publishedOf = (id: string): readonly SeenRecord[] =>
    published().filter(({ value }) => (JSON.parse(value) as { id: string }).id === id);
  const marker = (jti: string): Promise<string> => redis.cli("GET", `revoked:jti:main:${jti}`);
  const markerOf = (jti: string): Promise<string> =>
    until(`the marker of ${jti}`, async () => (await marker(jti)) || undefined, SOON_MS);

  async function consumed(result: string): Promise<number> {
    const response = await fetch(new URL("/metrics", plane.controlUrl), {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    const line = new RegExp(`^portcullis_kafka_consumed_total\\{result="${result}"\\} (\\d+)$`, "m");
    return Number(line.exec(await response.text())?.[1]);
  }
  const committedAll = (): Promise<unknown> =>
    until("all offsets to be committed", async () => (await kafka.committed(GROUP, ORDERS)) === sentCount, SOON_MS);

  let sentCount = 0;
  async function send(...events: readonly Sent[]): Promise<void> {
    await kafka.send(ORDERS, events);
    sentCount += events.length;
  }

  test("publishes each revocation and lift as a CloudEvent that another library reads", async () => {
    const jti = randomUUID();
    const { json: revoked } = await revoke(jti);
    await call("DELETE", `/v1/revocations/${revoked.id}`);
    await until("both events", () => publishedOf(revoked.id).length === 2, SOON_MS);
    const [first, second] = publishedOf(revoked.id);
    const target = { kind: "token", issuer: "main", id: jti };
    expect(JSON.parse(first?.value ?? "")).toEqual({
      type: "TOKEN_REVOKED",
      id: revoked.id,
      seq: revoked.seq,
      at: revoked.at,
      target,
      reason: "test",
    });
    expect(first?.key).toBe(`revoked:jti:main:${jti}`);
    expect(first?.headers).toEqual({
      "content-type": "application/json",
      ce_specversion: "1.0",
      ce_id: expect.stringMatching(/./),
      ce_source: OURS,
      ce_type: TYPE,
      ce_time: new Date(revoked.at).toISOString(),
    });
    expect(second?.headers).toMatchObject({ ce_type: "portcullis.lifted.v1", ce_source: OURS });
    expect(second?.headers["ce_id"]).not.toBe(first?.headers["ce_id"]);
    expect(second?.key).toBe(first?.key);
    expect(JSON.parse(second?.value ?? "")).toMatchObject({ type: "REVOCATION_LIFTED", id: revoked.id, target });
  });

  test("revokes what an event of a known sender asks for, in both content modes, once, and does not publish it", async () => {
    const [binary, structured] = [randomUUID(), randomUUID()];
    const event = order(binary);
    await send(event, event, structuredOrder(structured));
    expect(JSON.parse(await markerOf(binary))).toMatchObject({ by: "kafka:hr", reason: "left the company" });
    await markerOf(structured);
    await committedAll();
    expect(await consumed("revoked")).toBe(2);
    expect(await consumed("repeated")).toBe(1);
    const { json } = await revoke(randomUUID());
    await until("a later event", () => publishedOf(json.id).length === 1, SOON_MS);
    expect(published().filter(({ value }) => value.includes(binary) || value.includes(structured))).toEqual([]);
  });

  test("passes over what is malformed or not allowed: counted, kept as a dead letter, and nothing waits behind it", async () => {
    const jti = randomUUID();
    const before = [await consumed("malformed"), await consumed("not_allowed"), await consumed("refused")];
    await send(
      { ...order("x"), value: "not json" },
      { value: "{}" },
      order("x", { ce_source: "https://mallory.example.com" }),
      order("x", { ce_audience: "another-fleet" }),
      order("x", {}, { target: { kind: "everything" } }),
      order("x", {}, { target: { kind: "token", issuer: "other", id: "x" } }),
      order("", {}),
      order(jti),
    );
    await markerOf(jti);
    await committedAll();
    const after = [await consumed("malformed"), await consumed("not_allowed"), await consumed("refused")];
    expect(after.map((count, i) => count - (before[i] ?? 0))).toEqual([2, 4, 1]);
    expect(await marker("x")).toBe("");
    expect(await redis.cli("GET", "global:revoked_after")).toBe("");
    await until("the dead letters", () => dead().length === 7, SOON_MS);
    expect(dead()[0]).toMatchObject({
      value: "not json",
      headers: { ce_source: HR, "portcullis-result": "malformed", "portcullis-topic": ORDERS },
    });
    expect(plane.process.output()).not.toContain("mallory");
  });

  test("acknowledges while the broker is down, publishes after it is back, and says in between how it is", async () => {
    await kafka.kill();
    const began = performance.now();
    const { status, json } = await revoke(randomUUID());
    expect(status).toBe(201);
    expect(performance.now() - began).toBeLessThan(2_000);
    const kafkaOf = async (): Promise<unknown> =>
      ((await call("GET", "/readyz")).json as unknown as { components: Record<string, unknown> }).components["kafka"];
    await until("readiness to say so", async () => JSON.stringify(await kafkaOf()).includes("degraded"), SOON_MS);
    expect((await call("GET", "/readyz")).status).toBe(200);
    await kafka.restart();
    await until("the event", () => publishedOf(json.id).length > 0, SOON_MS);
    await until("readiness to recover", async () => JSON.stringify(await kafkaOf()) === '{"state":"ready"}', SOON_MS);
  }, 120_000);

  /** What is remembered of each event. */
  async function answers(): Promise<string> {
    const keys = (await redis.cli("KEYS", "portcullis:idempotency:*")).split("\n");
    return redis.cli("MGET", ...keys);
  }

  /** An event that was read and waits, for the store is out. */
  async function readAndWaiting(jti: string): Promise<void> {
    const waitsSoFar = plane.process.output().split("kafka_event_waits").length;
    redis.pause();
    await send(order(jti));
    await until(
      "the event to wait",
      () => plane.process.output().split("kafka_event_waits").length > waitsSoFar,
      SOON_MS,
    );
    expect(await kafka.committed(GROUP, ORDERS)).toBeLessThan(sentCount);
  }

  test("commits nothing while the store is out, and revokes once it is back", async () => {
    const jti = randomUUID();
    await readAndWaiting(jti);
    redis.resume();
    expect(JSON.parse(await markerOf(jti))).toMatchObject({ by: "kafka:hr" });
    await committedAll();
  });

  test("after a crash between the store and the commit the event comes again, and is done once", async () => {
    const jti = randomUUID();
    const revokedId = async (): Promise<unknown> => (JSON.parse(await markerOf(jti)) as Json).id;
    await readAndWaiting(jti);
    kafka.way.swallow(false); // so that nothing is committed
    redis.resume();
    const id = await revokedId();
    await until("its answer to be remembered", async () => !(await answers()).includes('"answer":""'));
    plane.process.signal("SIGKILL");
    await plane.process.end();
    await plane.stop();
    expect(await kafka.committed(GROUP, ORDERS)).toBe(sentCount - 1);
    plane = await startPlane();
    await committedAll();
    expect(await revokedId()).toBe(id);
    expect(await consumed("repeated")).toBe(1);
    expect(await consumed("revoked")).toBe(0);
  }, 120_000);
});

interface Json {
  readonly id: string;
  readonly seq: number;
  readonly at: number;
}

interface Sent {
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function order(jti: string, over: Readonly<Record<string, string>> = {}, data: object = {}): Sent {
  return {
    value: JSON.stringify({ target: { kind: "token", id: jti }, reason: "left the company", ...data }),
    headers: {
      "content-type": "application/json",
      ce_specversion: "1.0",
      ce_id: randomUUID(),
      ce_source: HR,
      ce_type: TYPE,
      ce_time: new Date().toISOString(),
      ce_audience: AUDIENCE,
      ...over,
    },
  };
}

function structuredOrder(jti: string): Sent {
  const { value, headers } = order(jti);
  const attributes = Object.entries(headers ?? {}).filter(([name]) => name.startsWith("ce_"));
  return {
    value: JSON.stringify({
      ...Object.fromEntries(attributes.map(([name, told]) => [name.slice(3), told])),
      datacontenttype: "application/json",
      data: JSON.parse(value) as unknown,
    }),
    headers: { "content-type": "application/cloudevents+json; charset=UTF-8" },
  };
}
