// What makes a sidecar a member of the fleet: its name, what it says of itself, and to whom.

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "../config/config.ts";
import { ageMs, type Instant } from "../core/clock.ts";
import type { DecisionTotals } from "../core/decision-totals.ts";
import type { Log } from "../core/log.ts";
import type { BreakerStateName } from "../core/observer.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import { eventLoop } from "../resilience/schedule.ts";
import type { FleetBoard, SidecarReport } from "../revocation/fleet-board.ts";
import { createFleetReporter } from "../revocation/fleet-reporter.ts";
import type { NewsReader } from "../revocation/news.ts";
import type { Replica } from "../revocation/replica/replica.ts";
import { systemClock } from "./clock.ts";
import { createReportDelivery, type ReportDelivery } from "./report-delivery.ts";

export interface FleetMember {
  /** Reports while it runs; undefined: nobody is told. */
  readonly part: Part | undefined;
  /** Something was applied of which somebody waits to hear. */
  reportNow(): void;
}

export interface MemberFacts {
  readonly version: string;
  readonly startedAt: Instant;
  readonly replica: Replica | undefined;
  readonly news: NewsReader | undefined;
  readonly breaker: () => BreakerStateName;
  readonly totals: () => DecisionTotals;
}

/** `board` is told where the control plane is in this process; else it is told by HTTP, where that is configured. */
export function createFleetMember(
  config: Config,
  board: FleetBoard | undefined,
  facts: MemberFacts,
  log: Log,
): FleetMember {
  const id = `${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 64)}-${randomBytes(6).toString("hex")}`;
  const delivery = deliveryOf(config, board);
  if (delivery === undefined) return { part: undefined, reportNow() {} };
  const reporter = createFleetReporter({
    report: () => reportOf(id, facts),
    deliver: (report) => delivery.deliver(report),
    schedule: eventLoop,
    log,
  });
  return {
    part: {
      name: "fleet",
      async start() {
        reporter.start();
        log.info("reporting", { part: "fleet", id });
      },
      async stop() {
        reporter.stop();
        delivery.stop();
      },
      startTimeoutMs: 1_000,
      stopTimeoutMs: 1_000,
    },
    reportNow: () => reporter.reportNow(),
  };
}

function deliveryOf({ control }: Config, board: FleetBoard | undefined): ReportDelivery | undefined {
  if (board !== undefined) return { deliver: async (report) => (await board.report([report])).ok, stop() {} };
  return control.reportToken === undefined ? undefined : createReportDelivery(control.url, control.reportToken);
}

function reportOf(id: string, { version, startedAt, replica, news, breaker, totals }: MemberFacts): SidecarReport {
  const status = replica?.status();
  const head = status === undefined ? news?.heeded : status.heededUpTo;
  const position = status?.position;
  return {
    id,
    version,
    heeded: head === undefined ? undefined : { epoch: head.epoch, seq: head.seq },
    lagMs: position === undefined ? lagInProcess(news) : Math.round(ageMs(position, systemClock.now())),
    breaker: breaker(),
    totals: totals(),
    startedAtMs: Math.round(startedAt.wallMs),
  };
}

/** What the store in this process writes is heeded at once. */
function lagInProcess(news: MemberFacts["news"]): number | undefined {
  return news === undefined ? undefined : 0;
}
