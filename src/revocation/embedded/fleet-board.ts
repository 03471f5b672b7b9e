// What sidecars say of themselves, in the SQLite file.

import type { SQLOutputValue } from "node:sqlite";
import type { Result } from "../../core/result.ts";
import {
  MAX_SIDECARS,
  SILENT_AFTER_MS,
  type FleetBoard,
  type SeenSidecar,
  type SidecarReport,
} from "../fleet-board.ts";
import type { StoreFault } from "../store.ts";
import { MAX_OPEN_QUESTIONS, type FleetQuestion } from "../preview/question.ts";
import type { Statements } from "./schema.ts";

/** Runs work on the open file; `now` is in epoch milliseconds. */
type Run = <T>(work: (sql: Statements, now: number) => T) => Promise<Result<T, StoreFault>>;

export function createEmbeddedFleetBoard(read: Run, write: Run): FleetBoard {
  return {
    report: (reports) =>
      write((sql, now) => {
        sql.purgeSidecars.run({ sinceMs: now - SILENT_AFTER_MS });
        for (const report of reports) {
          sql.putSidecar.run({ id: report.id, report: JSON.stringify(report), now, max: MAX_SIDECARS });
        }
        return sql.questions.all({ now }).map((row) => JSON.parse(String(row["question"])) as FleetQuestion);
      }),
    ask: (question, forMs) =>
      write((sql, now) => {
        sql.purgeQuestions.run({ now });
        const row = { question: JSON.stringify(question), expiresAtMs: now + forMs, max: MAX_OPEN_QUESTIONS };
        return Number(sql.putQuestion.run(row).changes) === 1;
      }),
    fleet: () => read((sql, now) => sql.sidecars.all({ sinceMs: now - SILENT_AFTER_MS }).map(seenSidecar)),
    heeded: (ids) =>
      read((sql) =>
        ids.map((id) => {
          const row = sql.sidecar.get({ id });
          return row === undefined ? undefined : (JSON.parse(String(row["report"])) as SidecarReport).heeded;
        }),
      ),
  };
}

function seenSidecar(row: Record<string, SQLOutputValue>): SeenSidecar {
  const report = JSON.parse(String(row["report"])) as SidecarReport;
  return { ...report, lastSeenMs: Number(row["last_seen_ms"]) };
}
