// What `make test` counts: nothing that went wrong may be missing from the number of failures.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NOTHING, readVitestReport, unexplainedFailure } from "../../../scripts/check-report.ts";
import { runStep } from "../../../scripts/check-step.ts";
import { until } from "../../support/wait.ts";

let home = "";
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "portcullis-report-"));
});
afterAll(() => rmSync(home, { recursive: true }));

const PASSED = { status: "passed", fullName: "a", failureMessages: [] };
const FAILED = { status: "failed", fullName: "b", failureMessages: ["expected 1 to be 2"] };

function read(testResults: readonly object[]): ReturnType<typeof readVitestReport> {
  const path = join(home, "report.json");
  writeFileSync(path, JSON.stringify({ testResults }));
  return readVitestReport(path);
}

test("passed, failed and skipped tests are counted, failures with their reason", () => {
  const assertionResults = [PASSED, FAILED, { ...PASSED, status: "skipped" }, { ...PASSED, status: "todo" }];
  const { tally, failures } = read([{ name: "/x/a.test.ts", status: "failed", message: "", assertionResults }]);
  expect(tally).toEqual({ passed: 1, failed: 1, skipped: 2 });
  expect(failures.join()).toContain("expected 1 to be 2");
});

test("a file that fails outside its tests is a failure, though all its tests passed or none was found", () => {
  for (const assertionResults of [[], [PASSED]]) {
    const { tally, failures } = read([
      { name: "/x/a.test.ts", status: "failed", message: "no such module", assertionResults },
    ]);
    expect(tally.failed).toBe(1);
    expect(failures.join()).toContain("no such module");
  }
});

test("a missing or broken report counts as nothing, and nothing is a failure", () => {
  const { tally } = readVitestReport(join(home, "absent.json"));
  expect(tally).toEqual(NOTHING);
  expect(unexplainedFailure({ failure: undefined, output: "", durationMs: 1 }, tally)).toBeDefined();
});

test("a run that ends with a code other than 0 is a failure, though no test failed", () => {
  const outcome = { failure: "ended with code 1", output: "", durationMs: 1 };
  expect(unexplainedFailure(outcome, { passed: 5, failed: 0, skipped: 0 })).toContain("code 1");
  expect(unexplainedFailure({ ...outcome, failure: undefined }, { passed: 5, failed: 0, skipped: 0 })).toBeUndefined();
});

test("a step that hangs is ended with its children and fails", async () => {
  const outcome = await runStep(["sh", "-c", "echo began; sleep 60 & wait"], 200);
  expect(outcome.failure).toContain("took longer");
  expect(outcome.output).toContain("began");
});

test("a step that cannot even start fails", async () => {
  expect((await runStep(["no-such-program-anywhere"], 1_000)).failure).toContain("could not start");
});

test("an interruption ends the children of every step that runs", async () => {
  const module = new URL("../../../scripts/check-step.ts", import.meta.url).href;
  const files = ["one", "two"].map((name) => join(home, name));
  const steps = files.map((file) => `runStep(["sh", "-c", "echo $$ >${file}; sleep 60 & wait"], 60_000)`);
  const program = `import { runStep } from "${module}"; await Promise.all([${steps.join()}]);`;
  const check = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: "ignore" });
  const ended = new Promise((resolve) => check.once("exit", resolve));
  const pids = await until("both to have begun", () => {
    const begun = files.map((file) => Number(readFileSync(file, "utf8")));
    return begun.every((pid) => pid > 0) ? begun : undefined;
  });
  check.kill("SIGINT");
  expect(await ended).toBe(130);
  const isGone = (pid: number): boolean => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  await until("both to have ended", () => pids.every(isGone));
});
