// Every question that deploy/ asks of Prometheus: those of the alerts and those of the dashboards, with where each stands.
import { globSync, readFileSync } from "node:fs";
import { parse } from "yaml";

export const ALERTS_FILE = "deploy/prometheus/alerts.yaml";
export const ALERT_TESTS_FILE = "deploy/prometheus/alerts.test.yaml";
export const DASHBOARD_FILES: readonly string[] = globSync("deploy/grafana/dashboards/*.json").toSorted();

export interface Query {
  /** The rule's name, or the dashboard's file and the panel's title. */
  readonly where: string;
  readonly expr: string;
}

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export function readRules(): readonly Rule[] {
  const file = parse(readFileSync(ALERTS_FILE, "utf8"), { merge: true }) as { groups: { rules: Rule[] }[] };
  return file.groups.flatMap(({ rules }) => rules);
}

export function readDashboard(file: string): Dashboard {
  return JSON.parse(readFileSync(file, "utf8")) as Dashboard;
}

export function alertQueries(): readonly Query[] {
  return readRules().map(({ alert, record, expr }) => ({ where: alert ?? record ?? "a rule without a name", expr }));
}

/** Those of panels and annotations, as Prometheus gets them: Grafana's own variables are filled in. */
export function dashboardQueries(file: string): readonly Query[] {
  const { panels, annotations } = readDashboard(file);
  const ofPanels = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr })));
  return [...ofPanels, ...annotations.list.map(({ name, expr }) => ({ where: name, expr }))].map(({ where, expr }) => ({
    where: `${file}: ${where}`,
    expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance)\b/g, ".*"),
  }));
}

/** The questions by which a dashboard's variables are filled: `label_values(metric{…}, label)`. */
export function variableQueries(file: string): readonly Query[] {
  return readDashboard(file).templating.list.flatMap(({ name, query }) =>
    typeof query === "string" ? [] : [{ where: `${file}: $${name}`, expr: query.query }],
  );
}
