// One process of one tree: reads its gauges when it is told to, and is idle in between. `bench/check/main.ts` starts it.
import { openGauges } from "./measures.ts";

export interface Ask {
  /** Index of the gauge. */
  readonly gauge: number;
  readonly cpuMs: number;
}

const gauges = await openGauges();

process.on("message", (ask: Ask) => {
  void gauges[ask.gauge]?.read(ask.cpuMs).then((reading) => process.send?.(reading));
});
process.on("disconnect", () => process.exit());
process.send?.({ gaugeCount: gauges.length });
