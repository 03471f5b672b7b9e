// Prints the figures of docs/scale.md, each with where it comes from: measured here, or simulated with what was. What is only
// reckoned from them, the page reckons. `node bench/scale/main.ts [store|table|asking|feeds]…`; all takes some minutes.
import { simulate, type Costs, type Topology } from "./simulate.ts";
import {
  measureAsking,
  measureRedisFeed,
  measureRelayFeed,
  measureStoreBytes,
  measureTable,
  type Follower,
} from "./measured.ts";

const PARTS: Readonly<Record<string, () => Promise<void>>> = { store, table, asking, feeds };

const FLEET: Topology = { regions: 3, sidecarsPerRegion: 3_334, nearMs: 0.5, farMs: 75, relaysPerRegion: 4 };
const FLEETS: readonly (readonly [string, Topology])[] = [
  ["300, one region, fed by Redis", { ...FLEET, regions: 1, sidecarsPerRegion: 300, relaysPerRegion: "none" }],
  ["10,000, three regions, fed by Redis", { ...FLEET, relaysPerRegion: "none" }],
  ["10,000, one region, five relays", { ...FLEET, regions: 1, sidecarsPerRegion: 10_000, relaysPerRegion: 5 }],
  ["10,000, three regions, four relays each", FLEET],
  ["10,000, three regions, twelve relays each", { ...FLEET, relaysPerRegion: 12 }],
];
const RATES = [1, 10, 100, 1_000];
const SIMULATED_REVOCATIONS = 400;

const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(PARTS)) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function store(): Promise<void> {
  say("measured: bytes of Redis for a revocation, marker and index");
  for (const { count, perRevocation } of await measureStoreBytes([100_000, 1_000_000])) {
    say(`  ${count.toLocaleString("en").padStart(10)}: ${perRevocation.toFixed(0)} B each`);
  }
}

async function table(): Promise<void> {
  say("measured: a replica's table");
  for (const { count, mib, lookUpNs } of measureTable([100_000, 1_000_000, 10_000_000])) {
    say(`  ${count.toLocaleString("en").padStart(10)}: ${mib.toFixed(1)} MiB, ${lookUpNs.toFixed(0)} ns a look-up`);
  }
}

async function asking(): Promise<void> {
  say("measured: what a Check that asks costs Redis");
  for (const { batch, redisUsPerCheck, bytesPerCheck } of await measureAsking([1, 4, 16, 64])) {
    say(`  ${String(batch).padStart(3)} in one MGET: ${redisUsPerCheck.toFixed(2)} µs, ${bytesPerCheck.toFixed(0)} B`);
  }
}

async function feeds(): Promise<void> {
  say("measured: a follower");
  const redis = said("of Redis", await measureRedisFeed(true));
  said("of Redis, directWriters: false", await measureRedisFeed(false));
  const relay = said("of a relay", await measureRelayFeed());
  // Written with others, a revocation costs its bytes: a tenth of a writing of its own, on the safe side.
  const costs: Costs = {
    redis: { writeUs: redis.told.cpuUs, furtherUs: redis.told.cpuUs / 10 },
    relay: { writeUs: relay.told.cpuUs, furtherUs: relay.told.cpuUs / 10 },
  };
  say("simulated: from acknowledged to the last sidecar of all, ms: p50 / p99, and how busy whoever tells is");
  for (const [name, topology] of FLEETS) {
    const cells = RATES.map((perSecond) => {
      const { p50Ms, p99Ms, busyRatio } = simulate(topology, costs, perSecond, SIMULATED_REVOCATIONS);
      return `${p50Ms.toFixed(0)} / ${p99Ms.toFixed(0)}, ${(busyRatio * 100).toFixed(0)} %`;
    });
    say(`| ${name} | ${cells.join(" | ")} |`);
  }
}

function said(name: string, follower: Follower): Follower {
  const { idle, told } = follower;
  say(
    `  ${name}: a second ${idle.commands.toFixed(1)} commands, ${idle.bytes.toFixed(0)} B, ${idle.cpuUs.toFixed(0)} µs; ` +
      `a revocation ${told.bytes.toFixed(0)} B, ${told.cpuUs.toFixed(1)} µs`,
  );
  return follower;
}
