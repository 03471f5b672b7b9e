// Carries a sidecar's reports to the control plane over one connection that is kept. A report that is not taken in time
// is given up: the next one says more.

import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { totalsJson } from "../control/fleet/totals.ts";
import { REPORTS_PATH, type ReportJson } from "../control/api/fleet.ts";
import type { SidecarReport } from "../revocation/fleet-board.ts";

export interface ReportDelivery {
  deliver(report: SidecarReport): Promise<boolean>;
  stop(): void;
}

const TIMEOUT_MS = 1_000;

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
          response.resume(); // to its end, or the connection would not be kept
          response.on("close", () => end(response.complete && response.statusCode === 204));
          response.on("error", () => end(false));
        });
        const overdue = setTimeout(() => request.destroy(), TIMEOUT_MS);
        const end = (isTaken: boolean): void => {
          clearTimeout(overdue);
          resolve(isTaken);
        };
        request.on("error", () => end(false));
        request.end(JSON.stringify(reportJson(report)));
      });
    },
    stop: () => agent.destroy(),
  };
}

function reportJson({ id, version, heeded, lagMs, breaker, totals, startedAtMs }: SidecarReport): ReportJson {
  return {
    id,
    version,
    heeded: heeded ?? null,
    lag_ms: lagMs ?? null,
    breaker,
    started_at: startedAtMs,
    ...(totals === undefined ? {} : { totals: totalsJson(totals) }),
  };
}
