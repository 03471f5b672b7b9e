// Prometheus' own promtool on what is shipped for it: the rules' unit tests, and every query of the dashboards.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { ALERT_TESTS_FILE, ALERTS_FILE, DASHBOARD_FILES, dashboardQueries } from "../support/deploy-queries.ts";

const CONFIG_FILE = "deploy/prometheus/prometheus.yml";
const HAS_PROMTOOL = spawnSync("promtool", ["--version"]).status === 0;
const WHY_SKIPPED = HAS_PROMTOOL ? "" : " (skipped: promtool is missing, see scripts/install-deploy-tools)";

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

function promtool(...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  return { ok: status === 0, output: stdout + stderr };
}

describe.skipIf(!HAS_PROMTOOL)(`promtool${WHY_SKIPPED}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-promtool-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("takes the alert rules", () => {
    expect(promtool("check", "rules", ALERTS_FILE)).toMatchObject({ ok: true });
  });

  test("takes the configuration of docker-compose.yml's Prometheus", () => {
    // Of syntax alone: the secret that it names is made by Docker Compose.
    expect(promtool("check", "config", "--syntax-only", CONFIG_FILE)).toMatchObject({ ok: true });
  });

  test("sees each alert fire when it should, and no other", () => {
    const { ok, output } = promtool("test", "rules", ALERT_TESTS_FILE);
    expect(output).toContain("SUCCESS");
    expect(ok, output).toBe(true);
  });

  // Alerts with `for` and those with a threshold that a broken comparison would leave silent.
  test.each([
    ["portcullis_store_up == 0", "portcullis_store_up < 0"],
    ["portcullis_replica_lag_seconds > 30", "portcullis_replica_lag_seconds > 300"],
    ["> 0.05\n            and job:", "> 0.5\n            and job:"],
    ['action="lift"', 'action="revoke"'],
  ])("would notice if an alert said something else: %s", (text, other) => {
    const rules = readFileSync(ALERTS_FILE, "utf8");
    expect(rules).toContain(text);
    writeFileSync(join(folder, basename(ALERTS_FILE)), rules.replace(text, other));
    copyFileSync(ALERT_TESTS_FILE, join(folder, basename(ALERT_TESTS_FILE)));
    const { ok, output } = promtool("test", "rules", join(folder, basename(ALERT_TESTS_FILE)));
    expect(output).toContain("FAILED");
    expect(ok).toBe(false);
  });

  test.each(DASHBOARD_FILES)("can read every query of %s", (file) => {
    const queries = dashboardQueries(file);
    const rules = queries.map(({ expr }, index) => ({ record: `panel:query:${index}`, expr }));
    const path = join(folder, `${basename(file)}.yaml`);
    writeFileSync(path, stringify({ groups: [{ name: "panels", rules }] }));
    const checked = promtool("check", "rules", path);
    expect(checked.output).toContain(`${queries.length} rules found`);
    expect(checked.ok, checked.output).toBe(true);
  });
});
