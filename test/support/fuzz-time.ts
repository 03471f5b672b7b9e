// How long random tests go on: as many runs as they are given in `make test`, or for FUZZ_SECONDS each in `make fuzz`.
import type { Parameters } from "fast-check";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);

export function runs<T>(numRuns: number): Parameters<T> {
  if (seconds === 0) return { numRuns };
  return { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false };
}

/** For a test that runs that long. */
export const RUNS_TIMEOUT_MS: number = Math.max(120_000, seconds * 1000 + 60_000);
