// Builds what reports on the process: log, metrics, decision log, spans. Decides nothing.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import { createDecisionLog } from "../telemetry/decision-log.ts";
import { createScrape, type Scrape } from "../telemetry/exposition.ts";
import { createLog } from "../telemetry/log.ts";
import { createLogOutput } from "../telemetry/log-output.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createOutageLog } from "../telemetry/outage-log.ts";
import { createObserver, type TelemetryObserver } from "../telemetry/observer.ts";
import { startTracing, type Tracing } from "../telemetry/tracing.ts";
import { systemClock } from "./clock.ts";

const STANDARD_OUTPUT = 1;

export interface Telemetry {
  readonly log: Log;
  readonly observer: TelemetryObserver;
  readonly scrape: Scrape;
  readonly tracing: Tracing;
  /** Writes out what still waits. */
  stop(): Promise<void>;
}

export async function startTelemetry(config: Config, version: string): Promise<Telemetry> {
  const { decisions, otlp, sampleRatio } = config.telemetry;
  const output = createLogOutput(STANDARD_OUTPUT);
  const log = createLog(output);
  const metrics = createMetrics({ wallNowMs: Date.now, droppedLogLines: () => output.droppedCount() });
  const observer = createObserver({
    metrics,
    decisionLog: createDecisionLog({ output, ...decisions, random: Math.random }),
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
    observer,
    scrape: createScrape(metrics),
    tracing,
    async stop() {
      await tracing.stop();
      await output.flush();
    },
  };
}
