// Runs every check that a change must pass, and counts. Never stops at the first failure and never lets one go by: a step
// that crashes, hangs, finds nothing or reports nothing is a failure of its own.
import { mkdirSync } from "node:fs";
import { addTallies, NOTHING, readVitestReport, unexplainedFailure, type Tally } from "./check-report.ts";
import { runStep, type StepOutcome } from "./check-step.ts";

const REPORTS = ".cache/check";

/** A tool that passes or fails as a whole. */
const TOOLS: readonly (readonly [title: string, command: readonly string[]])[] = [
  ["types", ["tsc", "-p", "."]],
  ["types of the dashboard", ["tsc", "-p", "dashboard"]],
  ["lint", ["oxlint", "--type-aware", "--deny-warnings"]],
  ["format", ["oxfmt", "--check"]],
  ["dead code", ["knip"]],
];

interface Suite {
  readonly title: string;
  readonly projects: readonly string[];
  readonly options: readonly string[];
  /** Takes only the time of the processors that others leave. */
  readonly yields?: true;
}

/**
 * Row after row; the suites of a row beside one another. Most tests with real servers mostly wait: two or three of their
 * files run at once, and what only computes, and looks at no clock, has what they leave of the machine. Those that look at
 * the clock under load run one file at a time, for on two cores a neighbour's load would look like a fault of the store.
 */
const SUITES: readonly (readonly Suite[])[] = [
  [{ title: "unit", projects: ["unit"], options: ["--maxWorkers=2"] }],
  [{ title: "conformance, integration", projects: ["conformance", "integration"], options: ["--maxWorkers=3"] }],
  [
    {
      title: "integration in pairs, e2e over both transports",
      projects: ["pairs", "e2e", "e2e-grpc-js"],
      options: ["--maxWorkers=2"],
    },
    { title: "property, simulation", projects: ["property", "simulation"], options: ["--maxWorkers=1"], yields: true },
  ],
  [{ title: "integration alone", projects: ["alone"], options: ["--no-file-parallelism"] }],
];

const TOOL_TIMEOUT_MS = 3 * 60_000;
const SUITE_TIMEOUT_MS = 12 * 60_000;

async function checkTool(title: string, command: readonly string[]): Promise<Tally> {
  const outcome = await runStep(command, TOOL_TIMEOUT_MS);
  const passed = outcome.failure === undefined;
  announce(title, passed, outcome, passed ? "ok" : outcome.failure);
  if (!passed) console.log(outcome.output.trimEnd());
  return { ...NOTHING, passed: passed ? 1 : 0, failed: passed ? 0 : 1 };
}

async function checkSuite({ title, projects, options, yields }: Suite): Promise<Tally> {
  const report = `${REPORTS}/${projects.join("-")}.json`;
  const selection = projects.map((project) => `--project=${project}`);
  const reporters = ["--reporter=json", `--outputFile.json=${report}`];
  const vitest = ["vitest", "run", ...selection, ...options, ...reporters];
  const command = yields === true ? ["nice", "-n", "19", ...vitest] : vitest;
  const outcome = await runStep(command, SUITE_TIMEOUT_MS, report);
  const { tally, failures } = readVitestReport(report);
  const unexplained = unexplainedFailure(outcome, tally);
  const found = unexplained === undefined ? tally : { ...tally, failed: tally.failed + 1 };
  announce(title, found.failed === 0, outcome, countsOf(found));
  for (const failure of failures) console.log(`\n  ✗ ${failure}`);
  if (unexplained !== undefined) console.log(`\n  ✗ ${unexplained}:\n${outcome.output.trimEnd()}`);
  return found;
}

function announce(title: string, passed: boolean, outcome: StepOutcome, note: string): void {
  console.log(`${passed ? "✓" : "✗"} ${title}: ${note} (${(outcome.durationMs / 1000).toFixed(1)} s)`);
}

function countsOf(tally: Tally): string {
  const skipped = tally.skipped === 0 ? "" : `, ${tally.skipped} skipped`;
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

mkdirSync(REPORTS, { recursive: true });
let total = NOTHING;
for (const [title, command] of TOOLS) total = addTallies(total, await checkTool(title, command));
for (const row of SUITES) total = (await Promise.all(row.map(checkSuite))).reduce(addTallies, total);
console.log(`\n${countsOf(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
