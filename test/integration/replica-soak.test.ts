// Everything at once, for some 20 s, by a seed: several replicas of one real Redis beside writers of every kind, while
// connections are killed, swallowed, the stream trimmed and deleted, the server stopped, flushed, and set back to an older
// file. An independent history holds every answer that would count to what was acknowledged.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";

const SOAK_FOR_MS = 18_000;
const TOKEN_COUNT = 40;
const seed = Number(process.env["SOAK_SEED"] ?? Date.now() % 1_000_000);

let redis: RedisProcess;
let writer: ObservedStore;
let proxy: TcpProxy;
let replicas: ObservedReplica[];

beforeAll(async () => {
  redis = await startRedis({ args: ["--enable-debug-command", "yes"] });
  writer = await openRedisStore(redis.url);
  proxy = await startTcpProxy(redis.port);
  const beyond = `redis://127.0.0.1:${proxy.port}`;
  replicas = await Promise.all([
    startReplica(redis.url, { scanEveryMs: 1_000 }),
    startReplica(beyond, { scanEveryMs: 1_000 }),
    startReplica(beyond, { scanEveryMs: 3_000 }),
  ]);
}, 30_000);

afterAll(async () => {
  redis.resume();
  await Promise.all(replicas.map((observed) => observed.stop()));
  await proxy.close();
  await writer.store.stop();
  await redis.stop();
});

/** What is known of one token's marker for sure: from when to when nobody may take it for active. */
interface Truth {
  /** Acknowledged, and nothing has been begun since that could undo it; undefined: nothing is promised. */
  revokedSinceMs: number | undefined;
  /** Of the revocation, where it can be lifted by id. */
  id: string | undefined;
}

function randomOf(start: number): (below: number) => number {
  let state = (start % 2_147_483_646) + 1;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

test(`no replica takes for active, as of an instant, what was revoked before it (SOAK_SEED=${seed})`, async () => {
  const random = randomOf(seed);
  const truths = new Map<string, Truth>(
    Array.from({ length: TOKEN_COUNT }, (_, i) => [`t${i}`, { revokedSinceMs: undefined, id: undefined }]),
  );
  const keyOf = (jti: string): string => `revoked:jti:main:${jti}`;
  const endsAtMs = performance.now() + SOAK_FOR_MS;
  const isOver = (): boolean => performance.now() >= endsAtMs;
  const count = { looks: 0, ofRevoked: 0, writes: 0, faults: 0 };
  const broken: string[] = [];

  function look(): void {
    for (const [n, { replica, stateOf }] of replicas.entries()) {
      const { position } = replica;
      if (position === undefined) continue;
      for (const [jti, { revokedSinceMs }] of truths) {
        count.looks += 1;
        if (revokedSinceMs === undefined || revokedSinceMs >= position.monotonicMs) continue;
        count.ofRevoked += 1;
        if (stateOf(jti) !== "revoked") {
          broken.push(`replica ${n}: ${jti} active as of ${position.monotonicMs}, revoked at ${revokedSinceMs}`);
        }
      }
    }
  }

  async function writeOne(): Promise<void> {
    const jti = `t${random(TOKEN_COUNT)}`;
    const truth = truths.get(jti) as Truth;
    const { id } = truth;
    const isRevoked = truth.revokedSinceMs !== undefined;
    const kind = random(4);
    if (kind === 0) {
      // Strengthens what stands: nothing promised before is undone.
      const revocation = newRevocation({ kind: "token", issuer: "main", id: jti });
      const stored = await writer.store.put(revocation);
      if (!stored.ok) return;
      truth.id = revocation.id;
    } else if (kind === 1) {
      truth.id = undefined;
      if ((await redis.cli("SET", keyOf(jti), "1", "EX", "600").catch(() => "")) !== "OK") return;
    } else {
      truth.revokedSinceMs = undefined; // from the moment on that it is begun
      truth.id = undefined;
      if (kind === 2 && id !== undefined) await writer.store.lift(id);
      else if (random(2) === 0) await redis.cli("DEL", keyOf(jti)).catch(() => "");
      else await redis.cli("PEXPIRE", keyOf(jti), "300").catch(() => "");
      count.writes += 1;
      return;
    }
    count.writes += 1;
    if (!isRevoked) truth.revokedSinceMs = performance.now();
  }

  const forgetAll = (): void => {
    for (const truth of truths.values()) Object.assign(truth, { revokedSinceMs: undefined, id: undefined });
  };

  async function killOne(name: string): Promise<void> {
    const ids = (await redis.cli("CLIENT", "LIST")).split("\n").filter((line) => line.includes(` name=${name} `));
    const line = ids[random(Math.max(1, ids.length))];
    const id = line === undefined ? undefined : /^id=(\d+) /.exec(line)?.[1];
    if (id !== undefined) await redis.cli("CLIENT", "KILL", "ID", id);
  }

  const LOG = "portcullis:{feed}:log";
  const file = join(redis.directory, "dump.rdb");
  const faults: readonly (() => Promise<unknown>)[] = [
    () => killOne("portcullis-push-owner"),
    () => killOne("portcullis-push-target"),
    () => killOne("portcullis-feed"),
    () => killOne("portcullis-replica"),
    () => redis.cli("DEBUG", "SLEEP", "0.7"),
    () => redis.cli("XTRIM", LOG, "MAXLEN", "1"),
    () => redis.cli("DEL", LOG),
    async () => proxy.swallow(false),
  ];

  /** What undoes revocations is done between two writes, or nobody could say what was promised. */
  async function flush(): Promise<void> {
    forgetAll();
    await redis.cli("FLUSHALL");
  }

  async function setBack(): Promise<void> {
    await redis.cli("SAVE");
    await copyFile(file, `${file}.old`);
    for (let i = 0; i < 5; i += 1) await writeOne();
    forgetAll();
    await redis.kill();
    await copyFile(`${file}.old`, file);
    await redis.restart();
    count.faults += 1;
  }

  const looking = setInterval(look, 3);
  const writing = (async () => {
    for (let round = 1; !isOver(); round += 1) {
      await writeOne();
      if (round % 150 === 70) await flush();
      if (round % 150 === 149) {
        await setBack();
        await until("the writer to be back", async () => (await writer.lookUp()) === "answered");
      }
    }
  })();
  while (!isOver()) {
    const before = count.writes;
    await until("some writes", () => count.writes >= before + 8 || isOver(), 10_000, 5);
    count.faults += 1;
    await faults[random(faults.length)]?.().catch(() => undefined);
  }
  await writing;
  await Promise.all(replicas.map((observed) => observed.untilCurrent(15_000)));
  look();
  clearInterval(looking);
  expect(broken.slice(0, 3)).toEqual([]);
  expect(count.ofRevoked, JSON.stringify(count)).toBeGreaterThan(1_000);
  expect(count.faults).toBeGreaterThan(5);
  // And nobody is taken for revoked who is not.
  await redis.cli("FLUSHALL");
  forgetAll();
  await Promise.all(replicas.map((observed) => observed.untilCurrent(15_000)));
  await until("all to be active", () =>
    replicas.every(({ stateOf }) => [...truths.keys()].every((jti) => stateOf(jti) === "active")),
  );
  // eslint-disable-next-line no-console
  console.log(`soak ${seed}: ${JSON.stringify(count)}`);
}, 90_000);
