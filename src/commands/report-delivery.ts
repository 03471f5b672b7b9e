// Carries a sidecar's reports to the control plane over one connection that is kept. A report that is not taken in time
// is given up: the next one says more. The answer may hold questions.

import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { totalsJson } from "../control/fleet/totals.ts";
import { REPORTS_PATH, type ReportJson } from "../control/api/fleet.ts";
import { answerJson, readQuestions } from "../control/preview/fleet-json.ts";
import type { SidecarReport } from "../revocation/fleet-board.ts";
import type { FleetQuestion } from "../revocation/preview/question.ts";

export interface ReportDelivery {
  /** What is asked of the sidecar; undefined: the report was not taken. */
  deliver(report: SidecarReport): Promise<readonly FleetQuestion[] | undefined>;
  stop(): void;
}

const TIMEOUT_MS = 1_000;
/** What may be asked at once is a quarter of it. */
const MAX_ANSWER_BYTES = 1_048_576;

export function createReportDelivery(controlUrl: string, token: string): ReportDelivery {
  const base = new URL(controlUrl.endsWith("/") ? controlUrl : `${controlUrl}/`);
  const url = new URL(REPORTS_PATH.slice(1), base);
  const isTls = url.protocol === "https:";
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 });
  const send = isTls ? httpsRequest : httpRequest;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return {
    deliver(report) {
      return new Promise((resolve) => {
        const request = send(url, { method: "POST", headers, agent }, (response) => {
          const { statusCode } = response;
          const chunks: Buffer[] = [];
          let byteCount = 0;
          // Read to its end, or the connection would not be kept.
          response.on("data", (chunk: Buffer) => {
            byteCount += chunk.length;
            if (byteCount > MAX_ANSWER_BYTES) request.destroy();
            else if (statusCode === 200) chunks.push(chunk);
          });
          response.on("close", () => {
            const isTaken = response.complete && (statusCode === 200 || statusCode === 204);
            end(isTaken ? readQuestions(Buffer.concat(chunks).toString()) : undefined);
          });
          response.on("error", () => end(undefined));
        });
        const overdue = setTimeout(() => request.destroy(), TIMEOUT_MS);
        const end = (questions: readonly FleetQuestion[] | undefined): void => {
          clearTimeout(overdue);
          resolve(questions);
        };
        request.on("error", () => end(undefined));
        request.end(JSON.stringify(reportJson(report)));
      });
    },
    stop: () => agent.destroy(),
  };
}

function reportJson({ id, version, heeded, lagMs, breaker, totals, answers, startedAtMs }: SidecarReport): ReportJson {
  return {
    id,
    version,
    heeded: heeded ?? null,
    lag_ms: lagMs ?? null,
    breaker,
    started_at: startedAtMs,
    ...(totals === undefined ? {} : { totals: totalsJson(totals) }),
    ...(answers === undefined ? {} : { answers: answers.map(answerJson) }),
  };
}
