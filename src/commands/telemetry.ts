// Builds what reports on the process: log, metrics, decision log, spans. Decides nothing.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import { createDecisionLog } from "../telemetry/decision-log.ts";
import { createScrape, type Scrape } from "../telemetry/exposition.ts";
import type { Samples } from "../telemetry/joint-samples.ts";
import { createLog } from "../telemetry/log.ts";
import { createLogOutput, type LogOutput } from "../telemetry/log-output.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createOutageLog } from "../telemetry/outage-log.ts";
import { createObserver, type TelemetryObserver } from "../telemetry/observer.ts";
import { startTracing, type Tracing } from "../telemetry/tracing.ts";
import { systemClock } from "./clock.ts";

const STANDARD_OUTPUT = 1;

export interface Telemetry {
  readonly log: Log;
  /** Where the lines of `log` go. */
  readonly output: LogOutput;
  readonly observer: TelemetryObserver;
  readonly scrape: Scrape;
  readonly tracing: Tracing;
  /** Writes out what still waits. */
  stop(): Promise<void>;
}

export interface TelemetryOptions {
  /** Standard output where left out. */
  readonly output?: LogOutput;
  /** As DecisionLogOptions has it. */
  readonly subjectKey?: string;
  /** What other threads of this process count, to be shown with what this one does. */
  readonly elsewhere?: () => Promise<readonly Samples[]>;
}

export async function startTelemetry(
  config: Config,
  version: string,
  { output = createLogOutput(STANDARD_OUTPUT), subjectKey, elsewhere }: TelemetryOptions = {},
): Promise<Telemetry> {
  const { decisions, otlp, sampleRatio } = config.telemetry;
  const log = createLog(output);
  const metrics = createMetrics({ wallNowMs: Date.now, droppedLogLines: () => output.droppedCount() });
  const observer = createObserver({
    metrics,
    decisionLog: createDecisionLog({ output, ...decisions, random: Math.random, subjectKey }),
    outageLog: createOutageLog({ log, clock: systemClock }),
    clock: systemClock,
    tiers: config.tiers.map((tier) => tier.name),
  });
  const tracing = await startTracing({
    otlpBaseUrl: otlp,
    sampleRatio,
    serviceVersion: version,
    log,
    random: Math.random,
  });
  return {
    log,
    output,
    observer,
    scrape: createScrape(metrics, elsewhere),
    tracing,
    async stop() {
      await tracing.stop();
      await output.flush();
    },
  };
}
