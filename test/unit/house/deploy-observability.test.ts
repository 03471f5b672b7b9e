// Holds alerts, runbooks and dashboards to the metrics that exist and to each other: a query for a name, a label or a value
// that nothing exports looks just like a quiet night.
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { TIERS } from "../../../src/config/defaults.ts";
import { readDuration } from "../../../src/config/units.ts";
import { DENY_REASONS, DENY_SHAPES } from "../../../src/core/deny-reason.ts";
import { UNKNOWN_CAUSES } from "../../../src/core/evidence.ts";
import { KAFKA_RESULTS } from "../../../src/core/observer.ts";
import { AUDIT_ACTIONS } from "../../../src/control/audit/entry.ts";
import { createScrape } from "../../../src/telemetry/exposition.ts";
import { createMetrics, type Metrics } from "../../../src/telemetry/metrics.ts";
import {
  ALERT_TESTS_FILE,
  alertQueries,
  DASHBOARD_FILES,
  dashboardQueries,
  readDashboard,
  readRules,
  variableQueries,
  type Panel,
  type Query,
} from "../../support/deploy-queries.ts";

/** What a scrape adds to every series, and PromQL to histograms. */
const LABELS_OF_ANY: ReadonlySet<string> = new Set(["job", "instance", "le"]);
/** Made by Prometheus itself. */
const SERIES_OF_PROMETHEUS: ReadonlySet<string> = new Set(["up"]);

/** Closed sets of the values that a label can have. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  reason: [...DENY_REASONS, "ok"],
  decision: ["allow", "deny"],
  cause: UNKNOWN_CAUSES,
  action: AUDIT_ACTIONS,
  result: ["ok", "refused", "error", ...KAFKA_RESULTS],
};

const seconds = (duration: string): number => (readDuration(duration) ?? Number.NaN) / 1000;
const DEFAULT_TIERS = Object.entries(TIERS).map(([name, tier]) => ({
  name,
  maxStalenessS: seconds(tier.maxStaleness),
  failOpenForS: seconds("failOpenFor" in tier ? tier.failOpenFor : "0s"),
}));

const metrics: Metrics = createMetrics({ wallNowMs: Date.now, droppedLogLines: () => 0 });
const labelsOf = new Map<string, readonly string[]>();

beforeAll(async () => {
  // A series of each, so that its labels are seen.
  for (const family of Object.values(metrics)) family.at("a", "b", "c", "d");
  const { body } = await createScrape(metrics).render(undefined);
  for (const [, name = "", type] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const series = new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{([^}]*)\\}`, "m").exec(body)?.[1] ?? "";
    const labels = [...series.matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
    const isHistogram = type === "histogram" || type === "summary";
    for (const suffix of isHistogram ? ["_bucket", "_sum", "_count"] : [""]) labelsOf.set(name + suffix, labels);
  }
});

/** A name with its selector, if it has one: `portcullis_x_total{reason=~"a|b"}`. */
const SELECTOR = /(?<![\w:"])((?:portcullis|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g;
const MATCHER = /(\w+)(=~|!~|!=|=)"([^"]*)"/g;

function faultsOf({ where, expr }: Query): readonly string[] {
  const recorded = new Set(readRules().map(({ record }) => record));
  return [...expr.matchAll(SELECTOR)].flatMap(([, name = "", matchers = ""]) => {
    if (SERIES_OF_PROMETHEUS.has(name) || recorded.has(name)) return [];
    const labels = labelsOf.get(name);
    if (labels === undefined) return [`${where}: nothing exports ${name}`];
    return [...matchers.matchAll(MATCHER)].flatMap(([, label = "", , value = ""]) =>
      faultsOfMatcher(`${where}: ${name}`, labels, label, value),
    );
  });
}

function faultsOfMatcher(where: string, labels: readonly string[], label: string, value: string): readonly string[] {
  if (LABELS_OF_ANY.has(label)) return [];
  if (!labels.includes(label)) return [`${where} has no label ${label}`];
  const known = VALUES[label];
  if (known === undefined) return [];
  return value
    .split("|")
    .filter((one) => !known.includes(one))
    .map((one) => `${where}: ${label} is never ${one}`);
}

test("the look at queries finds a wrong name, a wrong label and a wrong value", () => {
  const faults = (expr: string): readonly string[] => faultsOf({ where: "x", expr });
  expect(faults("rate(portcullis_decisions_count[5m])")).toEqual(["x: nothing exports portcullis_decisions_count"]);
  expect(faults('portcullis_decisions_total{why="x"}')).toEqual(["x: portcullis_decisions_total has no label why"]);
  expect(faults('portcullis_decisions_total{reason=~"revoked|stolen"}')).toEqual([
    "x: portcullis_decisions_total: reason is never stolen",
  ]);
  expect(faults("portcullis_check_duration_seconds_bucket + process_cpu_seconds_total")).toEqual([]);
});

describe("the alerts", () => {
  const alerts = readRules().filter(({ alert }) => alert !== undefined);
  const pages = globSync("docs/runbooks/*.md").filter((page) => basename(page) !== "README.md");

  test("ask for what is exported", () => {
    expect(alertQueries().length).toBeGreaterThan(20);
    expect(alertQueries().flatMap(faultsOf)).toEqual([]);
  });

  test("each say how bad it is, what it is, and which page tells what to do", () => {
    for (const { alert = "", labels, annotations } of alerts) {
      expect(["critical", "warning"], alert).toContain(labels?.["severity"]);
      expect(annotations?.["summary"], alert).toBeTruthy();
      expect(annotations?.["description"], alert).toBeTruthy();
      const page = annotations?.["runbook_url"] ?? "none";
      expect(existsSync(page), `${alert}: ${page}`).toBe(true);
      expect(readFileSync(page, "utf8").split("\n")[2], page).toContain(`\`${alert}\``);
    }
  });

  test("leave no runbook without an alert, and the list of runbooks names each page and each alert", () => {
    const index = readFileSync("docs/runbooks/README.md", "utf8");
    const named = new Set(alerts.map(({ annotations }) => annotations?.["runbook_url"]));
    expect(pages.filter((page) => !named.has(page))).toEqual([]);
    expect(pages.filter((page) => !index.includes(`](${basename(page)})`))).toEqual([]);
    expect(alerts.filter(({ alert = "" }) => !index.includes(`\`${alert}\``))).toEqual([]);
  });

  test("are each seen firing in the rules' own tests", () => {
    const tests = readFileSync(ALERT_TESTS_FILE, "utf8");
    expect(alerts.map(({ alert = "" }) => alert).filter((name) => !tests.includes(`alertname="${name}"`))).toEqual([]);
  });

  test("call a replica late where the default tiers do", () => {
    const lags = alerts.filter(({ alert }) => alert === "PortcullisReplicaLag");
    const thresholds = lags.map(({ labels, expr }) => [labels?.["tier"], Number(/> ([\d.]+)$/.exec(expr)?.[1])]);
    const expected = DEFAULT_TIERS.filter(({ maxStalenessS }) => maxStalenessS > 0);
    expect(thresholds).toEqual(expected.map(({ name, maxStalenessS }) => [name, maxStalenessS]));
  });

  test("warn at four fifths of the longest fail-open of the default tiers", () => {
    const expr = readRules().find(({ alert }) => alert === "PortcullisFailOpenBudgetNearlyUsed")?.expr ?? "";
    const minutes = Number(/portcullis_store_up\[(\d+)m\]/.exec(expr)?.[1]);
    expect(minutes * 60).toBe(0.8 * Math.max(...DEFAULT_TIERS.map(({ failOpenForS }) => failOpenForS)));
  });

  test("count as a rejection every 401 but that of a revoked token", () => {
    const expr = alertQueries().find(({ where }) => where === "job:portcullis_rejections:ratio_rate5m")?.expr ?? "";
    const counted = /reason=~"([^"]*)"/.exec(expr)?.[1]?.split("|");
    const all = DENY_REASONS.filter((reason) => DENY_SHAPES[reason].httpStatus === 401 && reason !== "revoked");
    expect(counted).toEqual(all);
  });
});

describe.each(DASHBOARD_FILES)("%s", (file) => {
  const dashboard = readDashboard(file);

  test("asks for what is exported", () => {
    expect(dashboardQueries(file).length).toBeGreaterThan(10);
    expect([...dashboardQueries(file), ...variableQueries(file)].flatMap(faultsOf)).toEqual([]);
  });

  test("is named as its file, says of each panel what it shows, and lays none over another", () => {
    expect(`${dashboard.uid}.json`).toBe(basename(file));
    const shown = dashboard.panels.filter(({ type }) => type !== "row");
    expect(shown.filter(({ description = "" }) => description === "").map(({ title }) => title)).toEqual([]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.filter((a) => dashboard.panels.some((b) => overlap(a, b)))).toEqual([]);
  });

  test("names no runbook that is not there", () => {
    const named = dashboard.panels.flatMap(({ description = "" }) => description.match(/docs\/[\w/-]+\.md/g) ?? []);
    expect(named.filter((page) => !existsSync(page))).toEqual([]);
  });
});

test("every metric of ours is on a dashboard", () => {
  const asked = DASHBOARD_FILES.flatMap(dashboardQueries).map(({ expr }) => expr);
  const names = Object.values(metrics).map(({ name }) => name);
  expect(names.filter((name) => !asked.some((expr) => expr.includes(name)))).toEqual([]);
});

function overlap(a: Panel, b: Panel): boolean {
  const [p, q] = [a.gridPos, b.gridPos];
  return a.id < b.id && p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h;
}
