// Checks tiers, routes and scopes among each other. Each key by itself is the schema's business.

import { FAIL_OPEN_FOR, TIERS } from "../defaults.ts";
import { formatDuration, readDuration } from "../units.ts";
import type { Look } from "./look.ts";
import { pathPatternProblem } from "./path-pattern.ts";

/** A host as an authority has it, but for the port: in brackets, or labels and perhaps a trailing dot. */
const HOST = /^(?:\[[^\]]*\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)$/;

export function checkRouting(look: Look): void {
  const tiers = look.keys("tiers") ?? Object.keys(TIERS);
  if (tiers.length === 0) look.wrong(["tiers"], "is an empty block", "at least one tier");
  checkOrder(look, tiers, "maxStaleness");
  checkOrder(look, tiers, "failOpenFor");
  for (const index of look.list("routes").keys()) checkRoute(look, index, tiers);
  for (const index of look.list("scopes").keys()) checkTier(look, ["scopes", index, "tier"], tiers);
  checkNames(look);
}

/** The strictest of several tiers is the one written first, so no later one may promise more than an earlier. */
function checkOrder(look: Look, tiers: readonly string[], key: "maxStaleness" | "failOpenFor"): void {
  if (look.keys("tiers") === undefined) return;
  let laxest = { tier: "", ms: 0 };
  for (const tier of tiers) {
    // The schema refuses such a name: objects put it first, wherever it stands.
    if (/^[0-9]/.test(tier)) continue;
    const text = look.has("tiers", tier, key) ? look.text("tiers", tier, key) : FAIL_OPEN_FOR;
    const ms = readDuration(text ?? "");
    if (ms === undefined) continue;
    if (ms < laxest.ms) {
      const what = `makes "${tier}" stricter than "${laxest.tier}" above it (${formatDuration(ms)} < ${formatDuration(laxest.ms)})`;
      look.wrong(["tiers", tier, key], what, "tiers in order, strictest first");
    } else laxest = { tier, ms };
  }
}

function checkRoute(look: Look, index: number, tiers: readonly string[]): void {
  const path = ["routes", index];
  const pattern = look.text(...path, "path");
  const problem =
    pattern === undefined ? undefined : (pathPatternProblem(pattern) ?? look.readings.pathPattern(pattern));
  if (problem !== undefined) {
    look.wrongValue(
      [...path, "path"],
      problem,
      "literal segments, * for one segment, ** last for the rest, as in /api/*/items/**",
    );
  }
  checkHost(look, [...path, "host"]);
  checkTier(look, [...path, "tier"], tiers);
  if (!look.flag(...path, "anonymous")) return;
  for (const key of ["tier", "scopes"]) {
    if (look.has(...path, key))
      look.wrong([...path, key], "stands beside anonymous: true, where no token is looked at", "one of the two");
  }
}

function checkHost(look: Look, path: readonly PropertyKey[]): void {
  const host = look.text(...path);
  if (host === undefined) return;
  const problem = HOST.test(host) ? look.readings.host(host) : "";
  if (problem !== undefined) look.wrongValue(path, problem, "a host name or address, without port and wildcard");
}

function checkTier(look: Look, path: readonly PropertyKey[], tiers: readonly string[]): void {
  const tier = look.text(...path);
  if (tier !== undefined && !tiers.includes(tier)) look.wrongValue(path, "no such tier", `one of ${tiers.join(", ")}`);
}

function checkNames(look: Look): void {
  const seen = new Map<string, number>();
  for (const index of look.list("routes").keys()) {
    const name = look.text("routes", index, "name");
    const before = name === undefined ? undefined : seen.get(name);
    if (before !== undefined)
      look.wrongValue(["routes", index, "name"], `the same as routes[${before}].name`, "each name once");
    else if (name !== undefined) seen.set(name, index);
  }
}
