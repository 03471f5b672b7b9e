// `make soak`: exits 1 where a call failed, or memory or latency crept.

import { endWithUs, startSetting } from "./setting.ts";
import { soak } from "./soak.ts";

/** What the last third may be above the second: a collection more or less, and a noisy machine. */
const MOST_GROWTH_MIB = 48;
const MOST_CREEP_RATIO = 2;

endWithUs();
const { MINUTES = "30", SHARE = "0.7" } = process.env;
const setting = await startSetting("sentinel");
const report = await soak(setting, {
  lastingMs: Number(MINUTES) * 60_000,
  share: Number(SHARE),
  tell: console.log,
});
await setting.stop();
console.log(JSON.stringify(report, undefined, 2));

const faults: string[] = [];
if (Object.keys(report.failed).length > 0) faults.push("calls failed");
const [middleMiB, lastMiB] = report.residentMiB;
if (lastMiB > middleMiB + MOST_GROWTH_MIB) faults.push("memory grew");
const [middleMs, lastMs] = report.p99Ms;
if (lastMs > middleMs * MOST_CREEP_RATIO) faults.push("latency crept");
console.log(faults.length === 0 ? "✓ nothing failed, nothing crept" : `✗ ${faults.join(", ")}`);
process.exitCode = faults.length === 0 ? 0 : 1;
