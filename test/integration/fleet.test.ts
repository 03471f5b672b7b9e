// A fleet as it stands in production: three sidecars and two control planes, processes of their own over one Redis.
// Whatever a receipt says of a sidecar is held against what that sidecar answers.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEvents } from "../support/event-stream.ts";
import { freePorts } from "../support/ports.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS, startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");
const REPORTER = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

const ISSUERS = `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
`;

let redis: RedisProcess;
let store: string;
let ports: readonly number[];
let planes: PortcullisProcess[];
let sidecars: SidecarUnderTest[];

function startPlane(i: number): Promise<PortcullisProcess> {
  const tokens = `[{ name: ops, sha256: ${sha256(ADMIN)}, scopes: [portcullis:admin] },
    { name: fleet, sha256: ${sha256(REPORTER)}, scopes: [portcullis:sidecar] }]`;
  const config = `listen: { grpc: "127.0.0.1:0", ops: "127.0.0.1:0", control: "127.0.0.1:${ports[i]}" }
${ISSUERS}${store}control: { tokens: ${tokens} }\n`;
  return startPortcullis({ command: "control", config, files: { "jwks.json": JWKS } });
}

/** Each reports to one of the control planes. */
function startMember(i: number, feed: "redis" | "none" = "redis"): Promise<SidecarUnderTest> {
  return startSidecar(`${ISSUERS}${store}feed: { type: ${feed} }
control: { url: "http://127.0.0.1:${ports[i % 2]}", reportToken: ${REPORTER} }
deadline: 5s
tiers:
  standard: { maxStaleness: 30s }
`);
}

beforeAll(async () => {
  redis = await startRedis();
  store = `store: { type: redis, url: "${redis.url}", timeout: 1s }\n`;
  ports = await freePorts(2);
  [planes, sidecars] = await Promise.all([
    Promise.all([startPlane(0), startPlane(1)]),
    Promise.all([startMember(0), startMember(1), startMember(2)]),
  ]);
  await untilHeeding(3);
});
afterAll(async () => {
  await Promise.all([...sidecars, ...planes].map((each) => each.stop()));
  await redis.stop();
});

interface Member {
  readonly id: string;
  readonly seq: number | null;
  readonly lag_ms: number | null;
  readonly last_seen: number;
  readonly totals: {
    readonly allowed: number;
    readonly denied: Readonly<Record<string, number>>;
    readonly durations: readonly number[];
  };
}

interface Receipt {
  readonly live: number;
  readonly applied: number;
  readonly pending: readonly string[];
  readonly ms: number;
}

async function call(plane: number, method: string, path: string, body?: unknown, bearer = ADMIN): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports[plane]}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function fleetAt(plane: number): Promise<readonly Member[]> {
  return (await (await call(plane, "GET", "/v1/fleet")).json()) as readonly Member[];
}

async function untilHeeding(count: number): Promise<void> {
  await until(
    `${count} sidecars that heed the feed`,
    async () => (await fleetAt(0)).filter(({ seq, lag_ms: lagMs }) => seq !== null && lagMs !== null).length >= count,
    30_000,
  );
}

async function revokeForAll(jti: string, plane = 0): Promise<{ readonly seq: number; readonly fleet: Receipt }> {
  const body = { target: { kind: "token", issuer: "main", id: jti }, reason: "stolen", wait: "fleet" };
  const answer = await call(plane, "POST", "/v1/revocations", body);
  expect(answer.status).toBe(201);
  const { seq, receipt } = (await answer.json()) as {
    readonly seq: number;
    readonly receipt: { readonly durability: string; readonly fleet: Receipt };
  };
  expect(receipt.durability).toBe("stored");
  return { seq, fleet: receipt.fleet };
}

/** A token that each of these has let through a moment ago. */
async function warm(members: readonly SidecarUnderTest[]): Promise<{ jti: string; bearer: string }> {
  const jti = randomUUID();
  const bearer = token({ jti });
  for (const member of members) expect((await member.check({ path: "/", token: bearer })).status).toBe(200);
  return { jti, bearer };
}

interface Previewed {
  readonly tokens: number;
  readonly sessions: number;
  readonly users: number;
  readonly exact: boolean;
  readonly coverage: { readonly live: number; readonly answered: number; readonly missing: readonly string[] };
}

async function previewOf(plane: number, body: object): Promise<Previewed> {
  const answer = await call(plane, "POST", "/v1/revocations/preview", body);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Previewed;
}

describe("a preview", () => {
  test("counts once what several sidecars saw, whichever control plane they report to, and says who told", async () => {
    const sub = `user-${randomUUID()}`;
    const shared = token({ sub });
    const nowS = Math.floor(Date.now() / 1_000);
    const bearers = [shared, token({ sub, iat: nowS - 60 }), token({ sub })];
    for (const [i, member] of sidecars.entries()) {
      for (const bearer of [shared, bearers[i] ?? shared]) {
        expect((await member.check({ path: "/", token: bearer })).status).toBe(200);
      }
    }
    const target = { kind: "user", issuer: "main", id: sub };
    const coverage = { live: 3, answered: 3, missing: [], back_ms: expect.any(Number) };
    for (const plane of [0, 1]) {
      expect(await previewOf(plane, { target })).toEqual({
        tokens: 3,
        sessions: 3,
        users: 1,
        exact: true,
        within_ms: 900_000,
        coverage,
      });
    }
    expect(await previewOf(1, { target, issuedBefore: nowS - 30 })).toMatchObject({ tokens: 1, users: 1 });
    const nobody = { kind: "user", issuer: "main", id: randomUUID() };
    expect(await previewOf(0, { targets: [nobody, target] })).toMatchObject({ tokens: 3, users: 1 });
    const asRevoked = {
      target,
      issuedBefore: nowS - 30,
      reason: "stolen",
      wait: "fleet",
      expiresAt: Date.now() + 60_000,
    };
    expect(await previewOf(0, asRevoked)).toMatchObject({ tokens: 1, users: 1 });
    expect(await previewOf(0, { target: nobody })).toMatchObject({ tokens: 0, users: 0, coverage });
    expect((await previewOf(0, { target: { kind: "everything" } })).tokens).toBeGreaterThanOrEqual(3);
    for (const member of sidecars) expect((await member.check({ path: "/", token: shared })).status).toBe(200);
  });

  test("names a sidecar that does not answer, and counts without it", async () => {
    const [paused, other] = sidecars;
    const sub = `user-${randomUUID()}`;
    const bearer = token({ sub });
    expect((await other?.check({ path: "/", token: bearer }))?.status).toBe(200);
    paused?.process.signal("SIGSTOP");
    try {
      const { tokens, coverage } = await previewOf(0, { target: { kind: "user", issuer: "main", id: sub } });
      expect(tokens).toBe(1);
      expect(coverage).toMatchObject({ live: 3, answered: 2 });
      expect(coverage.missing).toHaveLength(1);
    } finally {
      paused?.process.signal("SIGCONT");
    }
    await untilHeeding(3);
  });

  test("is refused as the revocation would be", async () => {
    const statusOf = async (body: object): Promise<number> =>
      (await call(0, "POST", "/v1/revocations/preview", body)).status;
    expect(await statusOf({ target: { kind: "user", issuer: "other", id: "x" } })).toBe(422);
    expect(await statusOf({ target: { kind: "token", issuer: "main", id: "x" }, issuedBefore: 5 })).toBe(422);
    expect(await statusOf({})).toBe(400);
    expect(await statusOf({ target: { kind: "everything" }, targets: [{ kind: "everything" }] })).toBe(400);
  });
});

describe("the fleet", () => {
  test("is the same at every control plane, each sidecar in the documented form", async () => {
    const [first, second] = await Promise.all([fleetAt(0), fleetAt(1)]);
    expect(first.map(({ id }) => id)).toEqual(second.map(({ id }) => id));
    expect(first).toHaveLength(3);
    for (const member of first) {
      expect(member).toEqual({
        id: expect.stringMatching(/^[A-Za-z0-9._-]+$/),
        version: expect.any(String),
        seq: expect.any(Number),
        lag_ms: expect.any(Number),
        breaker: "closed",
        started_at: expect.any(Number),
        last_seen: expect.any(Number),
        totals: {
          allowed: expect.any(Number),
          denied: expect.any(Object),
          failed_open: 0,
          durations: expect.any(Array),
        },
      });
      expect(member.totals.durations).toHaveLength(17);
    }
  });

  test("says what each has decided, by outcome, reason and duration, and nobody's name", async () => {
    const sums = async (): Promise<readonly number[]> => {
      const fleet = await fleetAt(1);
      const sum = (of: (totals: Member["totals"]) => number | undefined): number =>
        fleet.reduce((so, { totals }) => so + (of(totals) ?? 0), 0);
      return [
        sum(({ allowed }) => allowed),
        sum(({ denied }) => denied["missing_token"]),
        sum(({ denied }) => denied["expired"]),
        sum(({ durations }) => durations.reduce((so, count) => so + count, 0)),
      ];
    };
    const before = await sums();
    await warm(sidecars);
    const nowS = Math.floor(Date.now() / 1_000);
    expect((await sidecars[0]?.check({ path: "/" }))?.status).toBe(401);
    expect((await sidecars[1]?.check({ path: "/", token: token({ iat: nowS - 600, exp: nowS - 300 }) }))?.status).toBe(
      401,
    );
    const after = [3, 1, 1, 5].map((more, i) => more + (before[i] ?? NaN));
    await until("all of them to have told", async () => (await sums()).every((count, i) => count === after[i]));
    expect(JSON.stringify(await fleetAt(0))).not.toContain("alice");
  });

  test("is summed up in a control plane's metrics", async () => {
    const metrics = await (await call(1, "GET", "/metrics")).text();
    expect(metrics).toMatch(/^portcullis_fleet_sidecars\{breaker="closed"\} 3$/m);
    expect(metrics).toMatch(/^portcullis_fleet_sidecars\{breaker="open"\} 0$/m);
    expect(metrics).toMatch(/^portcullis_fleet_unproved_sidecars 0$/m);
    expect(metrics).toMatch(/^portcullis_fleet_lag_max_seconds [0-9.]+$/m);
  });

  test("takes no report from who may not send one, and none that is not in order", async () => {
    const report = { id: "a", version: "1", heeded: null, lag_ms: null, breaker: "closed", started_at: 1 };
    const statusOf = async (body: unknown, bearer = REPORTER): Promise<number> =>
      (await call(0, "POST", "/v1/fleet/reports", body, bearer)).status;
    expect(await statusOf(report, "x".repeat(43))).toBe(401);
    expect(await statusOf({ ...report, id: "x".repeat(101) })).toBe(400);
    expect(await statusOf({ ...report, id: "../a" })).toBe(400);
    expect(await statusOf({ ...report, breaker: "ajar" })).toBe(400);
    expect(await statusOf({ ...report, heeded: { epoch: "e", seq: 1.5 } })).toBe(400);
    expect(await statusOf({ ...report, more: 1 })).toBe(400);
    const totals = {
      allowed: 1,
      denied: { revoked: 1 },
      failed_open: 0,
      durations: Array.from({ length: 17 }, () => 0),
    };
    expect(await statusOf({ ...report, totals: { ...totals, denied: { "of alice": 1 } } })).toBe(400);
    expect(await statusOf({ ...report, totals: { ...totals, durations: [1] } })).toBe(400);
    expect(await statusOf({ ...report, totals: { ...totals, failed_open: -1 } })).toBe(400);
    expect(await statusOf({ ...report, version: "v".repeat(40_000) })).toBe(413);
    for (const path of ["/v1/fleet", "/v1/revocations", "/v1/events"]) {
      expect((await call(0, "GET", path, undefined, REPORTER)).status).toBe(403);
    }
  });
});

describe("wait: fleet", () => {
  test("is answered soon for the very first revocation: the control planes have begun the feed", async () => {
    expect(await redis.cli("HGET", "portcullis:{feed}:head", "seq")).toBe("0");
    const { seq, fleet } = await revokeForAll(randomUUID());
    expect(seq).toBe(1);
    expect(fleet).toMatchObject({ live: 3, applied: 3 });
    expect(fleet.ms).toBeLessThan(1_000); // where nobody began it, they find it when they next ask for the head, and scan
  });

  test("answers once every sidecar refuses, which each then does, though it had just let the token through", async () => {
    for (let i = 0; i < 10; i += 1) {
      const { jti, bearer } = await warm(sidecars);
      const { fleet } = await revokeForAll(jti, i % 2);
      expect(fleet).toEqual({ live: 3, applied: 3, pending: [], ms: expect.any(Number) });
      for (const { status } of await Promise.all(sidecars.map((each) => each.check({ path: "/", token: bearer })))) {
        expect(status).toBe(401);
      }
    }
  });

  test("names a sidecar without a replica and a paused one, waits 2 s for them, and goes on without when they leave", async () => {
    const before = new Set((await fleetAt(0)).map(({ id }) => id));
    const blind = await startMember(0, "none");
    const id = await until("the fourth", async () => (await fleetAt(0)).find((one) => !before.has(one.id))?.id);
    const { fleet } = await revokeForAll(randomUUID());
    expect(fleet).toMatchObject({ live: 4, applied: 3, pending: [id] });
    expect(await (await call(0, "GET", "/metrics")).text()).toMatch(/^portcullis_fleet_unproved_sidecars 1$/m);
    expect(fleet.ms).toBeGreaterThanOrEqual(1_900);
    expect(fleet.ms).toBeLessThan(4_000);

    const paused = sidecars[2] as SidecarUnderTest;
    paused.process.signal("SIGSTOP");
    const { jti, bearer } = await warm(sidecars.slice(0, 2));
    const second = await revokeForAll(jti, 1);
    expect(second.fleet).toMatchObject({ live: 4, applied: 2 });
    expect(second.fleet.pending).toHaveLength(2);
    expect(second.fleet.pending).toContain(id);
    for (const each of sidecars.slice(0, 2)) expect((await each.check({ path: "/", token: bearer })).status).toBe(401);
    await blind.stop();
    for (const plane of [0, 1]) await until("both to leave", async () => (await fleetAt(plane)).length === 2, 20_000);
    paused.process.signal("SIGCONT");
    await until(
      "the paused one to be back",
      async () => (await fleetAt(0)).filter((one) => (one.seq ?? 0) >= second.seq).length === 3,
      20_000,
    );
    expect((await paused.check({ path: "/", token: bearer })).status).toBe(401);
  });

  test("is no matter of a control plane's restart: checks go on, and the fleet is whole again", async () => {
    await planes[0]?.stop();
    const { bearer } = await warm(sidecars);
    expect((await fleetAt(1)).length).toBeGreaterThan(0);
    planes[0] = await startPlane(0);
    await until("all to be seen again", async () => {
      const sinceMs = Date.now() - 3_000;
      return (await fleetAt(0)).filter((one) => one.last_seen > sinceMs).length === 3;
    });
    const { jti } = await warm(sidecars);
    expect((await revokeForAll(jti)).fleet).toMatchObject({ live: 3, applied: 3 });
    for (const each of sidecars) expect((await each.check({ path: "/", token: bearer })).status).toBe(200);
  });
});

describe("events over Redis", () => {
  test("are the same at every control plane, whichever did it, and go on over a restart of the plane", async () => {
    const streams = await Promise.all([0, 1].map((i) => openEvents(`http://127.0.0.1:${ports[i]}/v1/events`, ADMIN)));
    const made = [await revokeForAll(randomUUID(), 0), await revokeForAll(randomUUID(), 1)];
    for (const stream of streams) {
      const events = await stream.seen(2);
      expect(events.map(({ data }) => data.seq)).toEqual(made.map(({ seq }) => seq));
    }
    await planes[1]?.stop();
    expect(streams[1]?.hasEnded()).toBe(true);
    const missed = await revokeForAll(randomUUID(), 0);
    planes[1] = await startPlane(1);
    const again = await openEvents(`http://127.0.0.1:${ports[1]}/v1/events`, ADMIN, {
      "last-event-id": streams[1]?.events.at(-1)?.id ?? "",
    });
    expect((await again.seen(1)).map(({ data }) => data.seq)).toEqual([missed.seq]);
    for (const stream of [...streams, again]) stream.close();
  });

  test("say so when Redis has lost what was told, and go on with what happens then", async () => {
    const stream = await openEvents(`http://127.0.0.1:${ports[0]}/v1/events`, ADMIN);
    await revokeForAll(randomUUID());
    await stream.seen(1);
    await redis.kill();
    await redis.restart();
    const next = await until("a revocation to be stored", async () => {
      const body = { target: { kind: "user", issuer: "main", id: "a" }, reason: "r" };
      const answer = await call(0, "POST", "/v1/revocations", body);
      return answer.status === 201 ? ((await answer.json()) as { id: string }) : undefined;
    });
    await until("the reset and the event", () => stream.events.some(({ data }) => data.type === "RESET"));
    await until("what happened then, told or listed", async () => {
      const listed = (await (await call(0, "GET", "/v1/revocations")).json()) as { items: { id: string }[] };
      return listed.items.some(({ id }) => id === next.id);
    });
    const { seq } = await revokeForAll(randomUUID());
    await until("the next event", () => stream.events.some(({ data }) => data.type !== "RESET" && data.seq === seq));
    stream.close();
  });
});
