// Tells the control plane how this sidecar is: each second, and at once when it has applied what somebody waits for. No
// Check ever waits for it, and it keeps nothing for a control plane that is away.

import type { Log } from "../core/log.ts";
import type { Schedule } from "../resilience/schedule.ts";
import type { SidecarReport } from "./fleet-board.ts";
import type { FleetQuestion } from "./preview/question.ts";

export interface FleetReporterOptions {
  /** Never rejects. */
  readonly report: () => Promise<SidecarReport>;
  /** What is asked of it; undefined: it was not taken. Settles by itself; never rejects. */
  readonly deliver: (report: SidecarReport) => Promise<readonly FleetQuestion[] | undefined>;
  readonly asked: (questions: readonly FleetQuestion[]) => void;
  readonly schedule: Schedule;
  readonly log: Log;
}

export interface FleetReporter {
  start(): void;
  /** Reports now, or as soon as the report that is under way has been taken. */
  reportNow(): void;
  stop(): void;
}

/** A sidecar is silent after ten of these. */
const REPORT_EVERY_MS = 1_000;

export function createFleetReporter({ report, deliver, asked, schedule, log }: FleetReporterOptions): FleetReporter {
  let isReporting = false;
  let isDue = false;
  let isHeard: boolean | undefined;
  let endBeat: (() => void) | undefined;
  const stopping = new AbortController();

  async function send(): Promise<void> {
    isDue = true;
    if (isReporting) return;
    isReporting = true;
    while (isDue && !stopping.signal.aborted) {
      isDue = false;
      const questions = await deliver(await report());
      note(questions !== undefined);
      if (questions !== undefined && questions.length > 0) asked(questions);
    }
    isReporting = false;
  }

  function note(isTaken: boolean): void {
    if (isTaken === isHeard || stopping.signal.aborted) return;
    if (!isTaken) log.warn("fleet_reports_not_taken");
    else if (isHeard === false) log.info("fleet_reports_taken_again");
    isHeard = isTaken;
  }

  return {
    start() {
      endBeat = schedule.every(REPORT_EVERY_MS, () => void send());
      void send();
    },
    // After what else this turn brings: nobody's revocation waits for the telling of another's.
    reportNow: () => schedule.immediate(() => void send()),
    stop() {
      stopping.abort();
      endBeat?.();
    },
  };
}
