// Measures how soon a fleet refuses: from POST to the last of 50 sidecars, and to the receipt that says so. One control
// plane is a process of its own over a real Redis; the 50 replicas, their reports included, share this one process, so
// the numbers are those of a machine that is busier than 50 of its own. Each follows Redis itself, or with `relay` the
// control plane. Prints one table; part of `make bench`, and by itself `node bench/fan-out.ts [relay]`.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createReportDelivery } from "../src/commands/report-delivery.ts";
import { eventLoop } from "../src/resilience/schedule.ts";
import { createFleetReporter, type FleetReporter } from "../src/revocation/fleet-reporter.ts";
import { createRedisReplicaSource } from "../src/revocation/redis/replica-source.ts";
import { createRelayedReplica } from "../src/revocation/relay/replica.ts";
import { createReplica, type Replica } from "../src/revocation/replica/replica.ts";
import { subjectOf, type RevocationSubject } from "../src/revocation/subject.ts";
import { startPortcullis } from "../test/support/portcullis.ts";
import { principalOf } from "../test/support/principal.ts";
import { startRedis } from "../test/support/redis-server.ts";
import { JWKS } from "../test/support/sidecar.ts";
import { until } from "../test/support/wait.ts";

const IS_RELAYED = process.argv[2] === "relay";
const SIDECARS = 50;
const REVOCATIONS = 100;

const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };
const silent = { info() {}, warn() {}, error() {} };
/** The sidecars' own, as in a fleet: on an operator's, fifty of them would be too many calls a second. */
const sidecarSecret = randomBytes(32).toString("base64url");
const secret = randomBytes(32).toString("base64url");
const redis = await startRedis();
const control = await startPortcullis({
  command: "control",
  files: { "jwks.json": JWKS },
  config: `issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [a] }]
store: { type: redis, url: "${redis.url}" }
control:
  tokens:
    - { name: operator, sha256: ${hashOf(secret)}, scopes: [portcullis:admin] }
    - { name: sidecars, sha256: ${hashOf(sidecarSecret)}, scopes: [portcullis:sidecar] }
`,
});

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

interface Member {
  readonly replica: Replica;
  readonly reporter: FleetReporter;
}

/** What is being revoked, and when each member was first seen to refuse it. */
let awaited = "";
let refusedAtMs: number[] = [];

/** One for each judgement: a subject keeps what one replica alone calls it by. */
function subjectNamed(jti: string): RevocationSubject {
  return subjectOf(principalOf({ tokenId: jti }), "", jti, 0);
}

function join(i: number): Member {
  const delivery = createReportDelivery(control.controlUrl, sidecarSecret);
  const common = {
    clock,
    schedule: eventLoop,
    log: silent,
    observer: { replicaIs() {} },
    random: Math.random,
    onAwaited() {
      if (replica.judge(subjectNamed(awaited)).state === "revoked") refusedAtMs[i] ??= performance.now();
      reporter.reportNow();
    },
  };
  const replica: Replica = IS_RELAYED
    ? createRelayedReplica({ ...common, controlUrl: control.controlUrl, token: sidecarSecret, keyPrefix: "" })
    : createReplica({
        ...common,
        source: createRedisReplicaSource({ url: redis.url, keyPrefix: "", clock, log: silent }),
        scanEveryMs: 10_000,
        directWriters: true,
      });
  const reporter = createFleetReporter({
    report: async () => ({
      id: `bench-${i}`,
      version: "bench",
      heeded: replica.status().heededUpTo,
      lagMs: undefined,
      breaker: "closed",
      totals: undefined,
      answers: undefined,
      startedAtMs: 1,
    }),
    deliver: ({ heeded, ...rest }) =>
      delivery.deliver({ ...rest, heeded: heeded && { epoch: heeded.epoch, seq: heeded.seq } }),
    asked() {},
    schedule: eventLoop,
    log: silent,
  });
  replica.start();
  reporter.start();
  return { replica, reporter };
}

interface Receipt {
  readonly live: number;
  readonly applied: number;
  readonly ms: number;
}

async function revoke(jti: string): Promise<Receipt> {
  const answer = await fetch(`${control.controlUrl}/v1/revocations`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ target: { kind: "token", id: jti }, reason: "bench", wait: "fleet" }),
  });
  return ((await answer.json()) as { readonly receipt: { readonly fleet: Receipt } }).receipt.fleet;
}

function line(what: string, times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (ratio: number): string => (sorted[Math.ceil(sorted.length * ratio) - 1] ?? NaN).toFixed(1);
  return `${what.padEnd(34)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`;
}

const members = Array.from({ length: SIDECARS }, (_, i) => join(i));
await until("all to be in step", () => members.every(({ replica }) => replica.status().heededUpTo), 60_000);
await until("a whole fleet", async () => (await revoke(randomUUID())).applied === SIDECARS, 60_000);

const toLast: number[] = [];
const toReceipt: number[] = [];
let incomplete = 0;
for (let i = 0; i < REVOCATIONS; i += 1) {
  const jti = randomUUID();
  awaited = jti;
  refusedAtMs = [];
  const beganAtMs = performance.now();
  const { applied } = await revoke(jti);
  toReceipt.push(performance.now() - beganAtMs);
  if (applied < SIDECARS || Object.keys(refusedAtMs).length < SIDECARS) incomplete += 1;
  else toLast.push(Math.max(...refusedAtMs) - beganAtMs);
}
process.stdout.write(
  `${SIDECARS} sidecars fed by ${IS_RELAYED ? "one relay" : "Redis"}, ${REVOCATIONS} revocations, one after the other\n`,
);
process.stdout.write(line("POST to the last one refusing", toLast));
process.stdout.write(line("POST to the receipt (wait: fleet)", toReceipt));
process.stdout.write(`receipts that name somebody         ${incomplete}\n`);

for (const { reporter } of members) reporter.stop();
await Promise.all(members.map(({ replica }) => replica.stop()));
await control.stop();
await redis.stop();
process.exit(incomplete === 0 ? 0 : 1);
