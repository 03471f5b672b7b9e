// Reads vitest's JSON report: how many tests passed, failed and were skipped, and why the failed ones did.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type { StepOutcome } from "./check-step.ts";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };

export function addTallies(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

interface Report {
  readonly testResults: readonly FileResult[];
}

interface FileResult {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly TestResult[];
}

interface TestResult {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages: readonly string[] | null;
}

/** Counts the tests of the report at `path`, a file that did not even load being one failure; nothing where there is none. */
export function readVitestReport(path: string): { readonly tally: Tally; readonly failures: readonly string[] } {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return { tally: NOTHING, failures: [] };
  }
  const failures: string[] = [];
  let tally = NOTHING;
  for (const file of report.testResults) {
    const counted = countFile(file, relative(process.cwd(), file.name), failures);
    tally = addTallies(tally, counted);
  }
  return { tally, failures };
}

/** What vitest does not tell as a failed test: errors outside any test, and a run without one. Undefined: nothing. */
export function unexplainedFailure(outcome: StepOutcome, { passed, failed }: Tally): string | undefined {
  if (failed > 0) return undefined;
  if (outcome.failure !== undefined) return `vitest ${outcome.failure}, though no test failed`;
  return passed === 0 ? "vitest ran no test" : undefined;
}

function countFile(file: FileResult, name: string, failures: string[]): Tally {
  let tally = NOTHING;
  for (const test of file.assertionResults) {
    tally = addTallies(tally, countTest(test, name, failures));
  }
  if (file.status === "failed" && tally.failed === 0) {
    failures.push(`${name}: the file failed outside its tests\n${indent(file.message)}`);
    return { ...tally, failed: 1 };
  }
  return tally;
}

function countTest(test: TestResult, file: string, failures: string[]): Tally {
  if (test.status === "passed") return { ...NOTHING, passed: 1 };
  if (test.status === "skipped" || test.status === "pending" || test.status === "todo")
    return { ...NOTHING, skipped: 1 };
  failures.push(`${file}: ${test.fullName}\n${indent((test.failureMessages ?? []).join("\n"))}`);
  return { ...NOTHING, failed: 1 };
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "      ");
}
