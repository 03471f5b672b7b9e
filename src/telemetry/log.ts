// The operational log: pino lines with an event and plain fields. It knows nothing of decisions.

import { pino, stdTimeFunctions, type Logger } from "pino";
import type { Log } from "../core/log.ts";
import type { LogOutput } from "./log-output.ts";

/** A line is `{"level":"info","time":"2026-01-31T09:15:00.000Z","event":…, …fields}`. */
export function createLog(output: Pick<LogOutput, "write">): Log {
  const logger = createLogger(output);
  return {
    info(event, fields) {
      logger.info(fields, event);
    },
    warn(event, fields) {
      logger.warn(fields, event);
    },
    error(event, fields) {
      logger.error(fields, event);
    },
  };
}

/** The one shape of all lines: level by name, time in RFC 3339, no process id or host name, which the collector adds. */
export function createLogger(output: Pick<LogOutput, "write">): Logger {
  return pino(
    {
      base: null,
      messageKey: "event",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
}
