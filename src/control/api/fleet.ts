// Takes what sidecars report of themselves, and shows the fleet. A report changes nothing but what is shown of its own
// sender, and what a receipt says of it.

import type { FastifyInstance } from "fastify";
import type { BreakerStateName } from "../../core/observer.ts";
import type { FleetBoard, Heeded, SeenSidecar, SidecarReport } from "../../revocation/fleet-board.ts";
import { unanswered } from "../../revocation/preview/question.ts";
import { SIDECAR_REPORT } from "../fleet/fleet-schemas.ts";
import { createInbox } from "../fleet/inbox.ts";
import { createHeardReports } from "../fleet/heard.ts";
import { createPulse } from "../fleet/pulse.ts";
import { summaryJson } from "../fleet/summary.ts";
import { totalsJson, totalsOfJson, type TotalsJson } from "../fleet/totals.ts";
import { answerOfJson, questionsJson, type AnswerJson } from "../preview/fleet-json.ts";
import { readFault, type Problem } from "../problem.ts";
import { sendProblem, type Room } from "./room.ts";

/** As SIDECAR_REPORT has it. */
export interface ReportJson {
  readonly id: string;
  readonly version: string;
  readonly heeded: Heeded | null;
  readonly lag_ms: number | null;
  readonly breaker: BreakerStateName;
  readonly started_at: number;
  readonly totals?: TotalsJson;
  readonly answers?: readonly AnswerJson[];
}

export const REPORTS_PATH = "/v1/fleet/reports";
export const SUMMARY_PATH = "/v1/fleet/summary";

/**
 * A report is some 500 bytes; with every reason and counts that nobody reaches some 1,500. Answers to all the questions
 * that may be open at once are 20 KB.
 */
const MAX_REPORT_BYTES = 24_576;

const NOT_KEPT: Problem = { code: "store_unavailable", headers: { "retry-after": "1" } };

export function registerFleet(app: FastifyInstance, board: FleetBoard, { fleet: watch, clock }: Room): void {
  const inbox = createInbox(board);
  const heard = createHeardReports(clock);
  const pulse = createPulse(board, heard, clock);
  app.post<{ Body: ReportJson }>(
    REPORTS_PATH,
    { schema: { body: SIDECAR_REPORT }, config: { scope: "portcullis:sidecar" }, bodyLimit: MAX_REPORT_BYTES },
    async (request, reply) => {
      const report = reportOf(request.body);
      heard.note(report);
      watch.told(report);
      const open = await inbox.take(report);
      if (open === undefined) return sendProblem(reply, NOT_KEPT);
      const asked = unanswered(open, report.answers);
      return asked.length === 0 ? reply.code(204).send() : reply.send(questionsJson(asked));
    },
  );
  app.get(SUMMARY_PATH, { config: { watches: true } }, async (_request, reply) => {
    const found = await pulse.read();
    return found.ok ? reply.send(summaryJson(found.value)) : sendProblem(reply, readFault(found.error));
  });
  app.get("/v1/fleet", async (_request, reply) => {
    const fleet = await board.fleet();
    if (!fleet.ok) return sendProblem(reply, readFault(fleet.error));
    return reply.send(fleet.value.toSorted(byId).map(sidecarJson));
  });
}

function reportOf({ id, version, heeded, lag_ms, breaker, started_at, totals, answers }: ReportJson): SidecarReport {
  return {
    id,
    version,
    heeded: heeded ?? undefined,
    lagMs: lag_ms ?? undefined,
    breaker,
    startedAtMs: started_at,
    totals: totals === undefined ? undefined : totalsOfJson(totals),
    answers: answers?.map(answerOfJson),
  };
}

function byId(a: SeenSidecar, b: SeenSidecar): number {
  return a.id < b.id ? -1 : 1;
}

function sidecarJson(sidecar: SeenSidecar): object {
  return {
    id: sidecar.id,
    version: sidecar.version,
    seq: sidecar.heeded?.seq ?? null,
    lag_ms: sidecar.lagMs ?? null,
    breaker: sidecar.breaker,
    started_at: sidecar.startedAtMs,
    last_seen: sidecar.lastSeenMs,
    totals: sidecar.totals === undefined ? undefined : totalsJson(sidecar.totals),
  };
}
