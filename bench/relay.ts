// Measures one relay with many followers: what each costs it in memory and CPU, and how soon a revocation is with all of
// them. The control plane is a process of its own over a real Redis; the followers, as many WebSockets that ask once a
// second and read what they are told, share this one. Prints one table; `node bench/relay.ts [FOLLOWERS] [MARKERS]`.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { startPortcullis } from "../test/support/portcullis.ts";
import { startRedis } from "../test/support/redis-server.ts";
import { JWKS } from "../test/support/sidecar.ts";
import { until } from "../test/support/wait.ts";

const FOLLOWERS = Number(process.argv[2] ?? 1_000);
const MARKERS = Number(process.argv[3] ?? 10_000);
const REVOCATIONS = 50;
const IDLE_MS = 10_000;
/** USER_HZ of Linux, in which /proc tells of CPU. */
const TICK_MS = 10;

const secret = randomBytes(32).toString("base64url");
const redis = await startRedis();
const script = `for i = ARGV[1] + 1, ARGV[1] + 1000 do redis.call('SET', 'revoked:jti:main:standing-' .. i, '1', 'EX', 3600) end`;
for (let i = 0; i < MARKERS; i += 1_000) await redis.cli("EVAL", script, "0", String(i));
const control = await startPortcullis({
  command: "control",
  files: { "jwks.json": JWKS },
  config: `issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [a] }]
store: { type: redis, url: "${redis.url}" }
control:
  tokens: [{ name: b, sha256: ${createHash("sha256").update(secret).digest("hex")}, scopes: [portcullis:admin] }]
`,
});
const { pid } = control.process;
const headers = { authorization: `Bearer ${secret}` };

interface Follower {
  readonly socket: WebSocket;
  isWhole: boolean;
  /** Messages of changes so far. */
  changeCount: number;
  changedAtMs: number;
}

function cpuMs(): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function rssMib(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

function follow(): Follower {
  const socket = new WebSocket(`${control.controlUrl.replace("http", "ws")}/v1/relay`, { headers });
  const follower: Follower = { socket, isWhole: false, changeCount: 0, changedAtMs: 0 };
  socket.on("message", (data, isBinary) => {
    if (!isBinary) follower.isWhole ||= (data as Buffer).includes('"whole"');
    else if (follower.isWhole) {
      follower.changeCount += 1;
      follower.changedAtMs = performance.now();
    }
  });
  return follower;
}

async function revoke(): Promise<void> {
  const answer = await fetch(`${control.controlUrl}/v1/revocations`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ target: { kind: "token", id: randomUUID() }, reason: "bench" }),
  });
  if (answer.status !== 201) throw new Error(`answered ${answer.status}`);
  await answer.arrayBuffer();
}

function line(what: string, times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (ratio: number): string => (sorted[Math.ceil(sorted.length * ratio) - 1] ?? NaN).toFixed(1);
  return `${what.padEnd(34)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`;
}

/** One is there before, so that the relay's own replica is not counted. */
const followers = [follow()];
await until("the relay to tell", () => followers[0]?.isWhole, 60_000);
const emptyCpuMs = cpuMs();
const emptyFrom = performance.now();
await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 2));
const idleShare = (cpuMs() - emptyCpuMs) / (performance.now() - emptyFrom);
const emptyMib = rssMib();

const joinedFrom = performance.now();
const joinedCpuMs = cpuMs();
while (followers.length < FOLLOWERS) {
  followers.push(follow());
  if (followers.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
await until("all to have everything", () => followers.every(({ isWhole }) => isWhole), 120_000);
const joinMs = performance.now() - joinedFrom;
const joinCpuMs = cpuMs() - joinedCpuMs;

let ask = 0;
let at = 0;
const asking = setInterval(() => {
  ask += 1;
  const share = Math.ceil(FOLLOWERS / 100);
  for (let i = 0; i < share; i += 1) followers[(at + i) % FOLLOWERS]?.socket.send(JSON.stringify({ ask }));
  at = (at + share) % FOLLOWERS;
}, 10);
const askedFrom = performance.now();
const askedCpuMs = cpuMs();
await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
const askingShare = (cpuMs() - askedCpuMs) / (performance.now() - askedFrom);

const toAll: number[] = [];
const spread: number[] = [];
let fanOutCpuMs = 0;
for (let i = 0; i < REVOCATIONS; i += 1) {
  const counts = followers.map(({ changeCount }) => changeCount);
  const beganAtMs = performance.now();
  const beganCpuMs = cpuMs();
  await revoke();
  await until("all to be told", () => followers.every((one, of) => one.changeCount > (counts[of] ?? 0)), 30_000, 1);
  const times = followers.map(({ changedAtMs }) => changedAtMs);
  toAll.push(Math.max(...times) - beganAtMs);
  spread.push(Math.max(...times) - Math.min(...times));
  fanOutCpuMs += cpuMs() - beganCpuMs;
}
const share = (of: number): string => `${(of * 100).toFixed(1)} % of a core`;
process.stdout.write(`${FOLLOWERS} followers of one relay, ${MARKERS} markers, ${REVOCATIONS} revocations\n`);
process.stdout.write(`the process before them            ${emptyMib.toFixed(0)} MiB, ${share(idleShare)}\n`);
process.stdout.write(
  `memory of a follower               ${(((rssMib() - emptyMib) * 1_024) / FOLLOWERS).toFixed(1)} KiB\n`,
);
process.stdout.write(
  `all told everything                ${joinMs.toFixed(0)} ms, ${(joinCpuMs / FOLLOWERS).toFixed(2)} ms of CPU each\n`,
);
process.stdout.write(
  `each asking once a second          ${share(askingShare)}, ${((askingShare * 1e6) / FOLLOWERS).toFixed(0)} µs a second each\n`,
);
process.stdout.write(line("POST to the last one told", toAll));
process.stdout.write(line("from the first told to the last", spread));
process.stdout.write(`CPU of a revocation told to all    ${(fanOutCpuMs / REVOCATIONS).toFixed(1)} ms\n`);

clearInterval(asking);
for (const { socket } of followers) socket.terminate();
await control.stop();
await redis.stop();
process.exit(0);
