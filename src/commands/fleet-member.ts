// What makes a sidecar a member of the fleet: its name, what it says of itself, and to whom.

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Config } from "../config/config.ts";
import { ageMs, type Instant } from "../core/clock.ts";
import type { DecisionTotals } from "../core/decision-totals.ts";
import type { Log } from "../core/log.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import { eventLoop } from "../resilience/schedule.ts";
import type { FleetBoard, SidecarReport } from "../revocation/fleet-board.ts";
import { createFleetReporter } from "../revocation/fleet-reporter.ts";
import type { NewsReader } from "../revocation/news.ts";
import { unanswered } from "../revocation/preview/question.ts";
import type { Replica } from "../revocation/replica/replica.ts";
import { systemClock } from "./clock.ts";
import type { FleetAnswers } from "./fleet-answers.ts";
import type { Ladder } from "./ladder.ts";
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
  readonly ladder: Pick<Ladder, "breakerState">;
  readonly totals: () => DecisionTotals;
  readonly answers: FleetAnswers;
  /**
   * Whether all other threads that answer Checks judge by what the replica knew when this was asked; left out: there is no
   * other.
   */
  readonly othersHeed?: () => Promise<boolean>;
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
  const { answers } = facts;
  const reporter = createFleetReporter({
    async report() {
      const heeded = await heededBy(facts);
      return { ...reportOf(id, facts), heeded, answers: answers.ready() };
    },
    deliver: (report) => delivery.deliver(report),
    asked: (questions) => void answers.find(questions).then(() => reporter.reportNow()),
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
  if (board !== undefined) return deliveryTo(board);
  return control.reportToken === undefined ? undefined : createReportDelivery(control.url, control.reportToken);
}

function deliveryTo(board: FleetBoard): ReportDelivery {
  return {
    async deliver(report) {
      const questions = await board.report([report]);
      return questions.ok ? unanswered(questions.value, report.answers) : undefined;
    },
    stop() {},
  };
}

async function heededBy({ replica, news, othersHeed }: MemberFacts): Promise<SidecarReport["heeded"]> {
  const head = replica === undefined ? news?.heeded : replica.status().heededUpTo;
  if (head === undefined || (othersHeed !== undefined && !(await othersHeed()))) return undefined;
  return { epoch: head.epoch, seq: head.seq };
}

function reportOf(
  id: string,
  { version, startedAt, replica, news, ladder, totals }: MemberFacts,
): Omit<SidecarReport, "answers" | "heeded"> {
  const position = replica?.position;
  return {
    id,
    version,
    lagMs: position === undefined ? lagInProcess(news) : Math.round(ageMs(position, systemClock.now())),
    breaker: ladder.breakerState(),
    totals: totals(),
    startedAtMs: Math.round(startedAt.wallMs),
  };
}

/** What the store in this process writes is heeded at once. */
function lagInProcess(news: MemberFacts["news"]): number | undefined {
  return news === undefined ? undefined : 0;
}
