// Measures the Check handler by itself, without a transport: bytes in, bytes out, under the real policy, verifier, guard,
// batcher and metrics; `node bench/handler.ts [scenario…]`. Only the store is a double, which answers in the next turn.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIssuers } from "../src/commands/issuers.ts";
import { compilePolicy } from "../src/commands/policy.ts";
import { raiseLadder } from "../src/commands/ladder.ts";
import { createSenderJudge } from "../src/commands/senders.ts";
import { systemClock } from "../src/commands/clock.ts";
import type { Config } from "../src/config/config.ts";
import { loadConfig } from "../src/config/load.ts";
import type { Log } from "../src/core/log.ts";
import { createCheckHandler, type CheckHandler } from "../src/ext-authz/check-handler.ts";
import { createMemoryStore } from "../src/revocation/memory/store.ts";
import type { RevocationStore } from "../src/revocation/revocation-store.ts";
import { createDecisionLog } from "../src/telemetry/decision-log.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { createObserver } from "../src/telemetry/observer.ts";
import { createOutageLog } from "../src/telemetry/outage-log.ts";
import { checkRequest } from "./fixtures/check-request.ts";
import { AUDIENCE, ISSUER, makeTokens, type Alg } from "./fixtures/tokens.ts";

export type Scenario =
  | "recent"
  | "ask"
  | "cold-rs256"
  | "cold-es256"
  | "recent-signed"
  | "cold-signed-ed25519"
  | "cold-signed-p256";

interface ScenarioOptions {
  readonly alg: Alg;
  readonly maxStaleness: string;
  readonly verifiedTokens: number;
  /** The key of the signed identity header; left out: there is none. */
  readonly signedBy?: "ed25519" | "p256";
}

const SCENARIOS: Readonly<Record<Scenario, ScenarioOptions>> = {
  recent: { alg: "rs256", maxStaleness: "30s", verifiedTokens: 100_000 },
  ask: { alg: "rs256", maxStaleness: "0s", verifiedTokens: 100_000 },
  "cold-rs256": { alg: "rs256", maxStaleness: "0s", verifiedTokens: 0 },
  "cold-es256": { alg: "es256", maxStaleness: "0s", verifiedTokens: 0 },
  "recent-signed": { alg: "rs256", maxStaleness: "30s", verifiedTokens: 100_000, signedBy: "ed25519" },
  "cold-signed-ed25519": { alg: "rs256", maxStaleness: "0s", verifiedTokens: 0, signedBy: "ed25519" },
  "cold-signed-p256": { alg: "rs256", maxStaleness: "0s", verifiedTokens: 0, signedBy: "p256" },
};

const TOKEN_COUNT = 500;
/** As many as the loader's streams. */
const IN_FLIGHT = 100;
/** Few enough that most readings of the heap have no collection in between. */
const ROUNDS_PER_READING = 2;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 2_000;
/** No deadline of ours or of the store's may end a call here: a stolen second would be measured as a refusal. */
const CALL = { grpcTimeoutMs: undefined, traceparent: undefined, tracestate: undefined };
const SILENT: Log = { info() {}, warn() {}, error() {} };

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const bench = openBench();
  for (const name of Object.keys(SCENARIOS) as Scenario[]) {
    if (wanted.length === 0 || wanted.includes(name)) await print(name, bench);
  }
  bench.close();
}

/** Keys and tokens, the same for every scenario. */
export interface Bench {
  start(name: Scenario): Promise<RunningLoad>;
  close(): void;
}

export interface RunningLoad {
  readonly load: Load;
  stop(): Promise<void>;
}

export function openBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-handler-"));
  const { jwks, byAlg } = makeTokens(TOKEN_COUNT);
  writeFileSync(join(folder, "jwks.json"), jwks);
  writeSigningKeys(folder);
  return {
    async start(name) {
      const options = SCENARIOS[name];
      const requests = byAlg[options.alg].map(({ compact }) => checkRequest(compact, randomUUID()));
      const parts = await handlerOf(configOf(folder, options));
      return { load: new Load(parts.handler, requests), stop: parts.stop };
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function writeSigningKeys(folder: string): void {
  const { privateKey: ed25519 } = generateKeyPairSync("ed25519");
  const { privateKey: p256 } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const [name, key] of Object.entries({ ed25519, p256 })) {
    writeFileSync(join(folder, `${name}.pem`), key.export({ type: "pkcs8", format: "pem" }));
  }
}

async function print(name: Scenario, bench: Bench): Promise<void> {
  const { load, stop } = await bench.start(name);
  await load.run(WARM_UP_MS);
  const { cpuUsPerCall, bytesPerCall } = await load.run(MEASURED_MS);
  await stop();
  process.stdout.write(
    `${name.padEnd(20)} ${cpuUsPerCall.toFixed(2).padStart(8)} µs/call ${bytesPerCall.toFixed(0).padStart(7)} B/call\n`,
  );
}

/** What calls cost on average; of the bytes the median of many readings. */
export interface Cost {
  readonly cpuUsPerCall: number;
  readonly bytesPerCall: number;
}

/** IN_FLIGHT calls at a time, and the next when all are answered: so a reading holds the whole of each call and of no other. */
export class Load {
  readonly #handler: CheckHandler;
  readonly #requests: readonly Buffer[];
  #next = 0;
  #inFlight = 0;
  #refusedCount = 0;

  constructor(handler: CheckHandler, requests: readonly Buffer[]) {
    this.#handler = handler;
    this.#requests = requests;
  }

  /** For so long by this process' own CPU time. Throws where a call was refused: it would be measured in vain. */
  async run(cpuMs: number): Promise<Cost> {
    const grown: number[] = [];
    let callCount = 0;
    const cpuBefore = process.cpuUsage();
    while (cpuUsSince(cpuBefore) < cpuMs * 1000) {
      const before = allocatedBytes();
      for (let round = 0; round < ROUNDS_PER_READING; round += 1) await this.#round();
      grown.push((allocatedBytes() - before) / (ROUNDS_PER_READING * IN_FLIGHT));
      callCount += ROUNDS_PER_READING * IN_FLIGHT;
    }
    const cpuUs = cpuUsSince(cpuBefore);
    if (this.#refusedCount > 0) throw new Error(`${this.#refusedCount} calls were refused`);
    // Where there was a collection in between, less is there than before.
    const undisturbed = grown.filter((bytes) => bytes > 0).toSorted((a, b) => a - b);
    const middle = undisturbed[undisturbed.length >> 1] ?? 0;
    return { cpuUsPerCall: cpuUs / callCount, bytesPerCall: middle };
  }

  async #round(): Promise<void> {
    for (let i = 0; i < IN_FLIGHT; i += 1) this.#call();
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#inFlight > 0);
  }

  #call(): void {
    const request = this.#requests[this.#next] as Buffer;
    this.#next = (this.#next + 1) % this.#requests.length;
    this.#inFlight += 1;
    this.#handler.check(request, CALL, this.#answered);
  }

  readonly #answered = (response: Buffer): void => {
    this.#inFlight -= 1;
    // The empty status of an allow.
    if (response[0] !== 0x0a || response[1] !== 0x00) this.#refusedCount += 1;
  };
}

function cpuUsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function allocatedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function configOf(folder: string, { maxStaleness, verifiedTokens, signedBy }: ScenarioOptions): Config {
  const signed = { issuer: "https://guard.example.com", audience: AUDIENCE, keyFiles: [`${signedBy}.pem`] };
  const file = {
    issuers: [
      {
        issuer: ISSUER,
        id: "main",
        jwks: { file: "jwks.json" },
        audiences: [AUDIENCE],
        algorithms: ["RS256", "ES256"],
        profile: "jwt",
      },
    ],
    store: { type: "memory", timeout: "10s" },
    deadline: "10s",
    feed: { type: "none" },
    tiers: { bench: { maxStaleness } },
    routes: [
      { path: "/healthz", anonymous: true },
      { path: "/admin/**", scopes: ["admin"] },
      { path: "/api/**", methods: ["GET", "HEAD"] },
    ],
    limits: { verifiedTokens },
    identity: signedBy === undefined ? {} : { signed },
  };
  const loaded = loadConfig(join(folder, "portcullis.yaml"), JSON.stringify(file), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value.config;
}

async function handlerOf(config: Config): Promise<{ readonly handler: CheckHandler; stop(): Promise<void> }> {
  const { decisions } = config.telemetry;
  const observer = createObserver({
    metrics: createMetrics({ wallNowMs: Date.now, droppedLogLines: () => 0 }),
    decisionLog: createDecisionLog({ output: { write() {} }, ...decisions, random: Math.random }),
    outageLog: createOutageLog({ log: SILENT, clock: systemClock }),
    clock: systemClock,
    tiers: config.tiers.map((tier) => tier.name),
  });
  const ladder = raiseLadder(config, slowMemory(config), observer, undefined);
  const issuers = createIssuers(observer, SILENT);
  const used = issuers.use(config.issuers);
  await used.settled;
  const policy = compilePolicy(config, {
    issuers: used.issuers,
    guard: ladder.guard,
    observer,
    log: SILENT,
    possession: createSenderJudge(config),
  });
  const tracer = { start: () => undefined };
  const handler = createCheckHandler({ clock: systemClock, observer, log: SILENT, tracer, policy });
  return {
    handler,
    async stop() {
      ladder.stop();
      await issuers.stop();
    },
  };
}

/** As far away as a store can be at least: its answer comes in another turn. */
function slowMemory(config: Config): RevocationStore {
  const store = createMemoryStore({ clock: systemClock, keyPrefix: config.store.keyPrefix });
  return {
    ...store,
    read: async (keys, timeoutMs) => {
      await new Promise((resolve) => setImmediate(resolve));
      return store.read(keys, timeoutMs);
    },
  };
}

if (import.meta.main) await main();
