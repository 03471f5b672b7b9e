// What a change is held to: five costs in CPU time and two in bytes, each of a part by itself, in one process. It compares
// nothing.
import { createFingerprints } from "../../src/revocation/replica/fingerprint.ts";
import { MarkerTable } from "../../src/revocation/replica/table.ts";
import { openBench, type Scenario } from "../handler.ts";

export const MEASURES = [
  "recent",
  "recent bytes",
  "ask",
  "ask bytes",
  "cold RS256",
  "cold ES256",
  "replica look-up",
] as const;
export type Measure = (typeof MEASURES)[number];

/** The scenarios of the handler, and what each tells. */
const HANDLER: readonly (readonly [Scenario, cpu: Measure, bytes: Measure | undefined])[] = [
  ["recent", "recent", "recent bytes"],
  ["ask", "ask", "ask bytes"],
  ["cold-rs256", "cold RS256", undefined],
  ["cold-es256", "cold ES256", undefined],
];

/** µs of CPU, or bytes; never of time that others took. */
export type Reading = Partial<Record<Measure, number>>;

export interface Gauge {
  /** Works for so long by this process' own CPU time: however busy the machine is, it is as much work. */
  read(cpuMs: number): Promise<Reading>;
}

/** Each has something of its own to warm up. None ends but with its process. */
export async function openGauges(): Promise<readonly Gauge[]> {
  const bench = openBench();
  const gauges: Gauge[] = [];
  for (const [scenario, cpu, bytes] of HANDLER) {
    const { load } = await bench.start(scenario);
    gauges.push({
      async read(cpuMs) {
        const { cpuUsPerCall, bytesPerCall } = await load.run(cpuMs);
        return { [cpu]: cpuUsPerCall, ...(bytes === undefined ? {} : { [bytes]: bytesPerCall }) };
      },
    });
  }
  bench.close(); // what is in its folder was read
  return [...gauges, replicaGauge()];
}

/** Larger than the processor's caches, as a replica is. */
const ENTRY_COUNT = 400_000;
const LOOK_UPS_A_TURN = 10_000;

function replicaGauge(): Gauge {
  const fingerprints = createFingerprints();
  const table = new MarkerTable();
  const words = new Int32Array(ENTRY_COUNT * 4);
  const meaning = { issuedBeforeS: Infinity, expiresAtS: 10, revocationId: "01990000-0000-7000-8000-000000000000" };
  for (let i = 0; i < ENTRY_COUNT; i += 1) {
    words.set(fingerprints.of([`revoked:jti:main:${i}`]), i * 4);
    table.set(words, i * 4, meaning, 1);
  }
  const order = Int32Array.from({ length: ENTRY_COUNT }, () => Math.floor(Math.random() * ENTRY_COUNT) * 4);
  let next = 0;
  return {
    async read(cpuMs) {
      const before = process.cpuUsage();
      for (let count = 0; ;) {
        for (let i = 0; i < LOOK_UPS_A_TURN; i += 1)
          table.issuedBeforeS(words, order[next++ % ENTRY_COUNT] as number, 0);
        count += LOOK_UPS_A_TURN;
        const { user, system } = process.cpuUsage(before);
        if (user + system >= cpuMs * 1000) return { "replica look-up": (user + system) / count };
      }
    },
  };
}
