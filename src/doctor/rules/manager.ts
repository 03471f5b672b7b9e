// The HTTP connection manager before the guard: whether a path means one thing to all, and nothing that a stranger
// writes is taken for Envoy's own word.

import type { Manager } from "../envoy-config.ts";
import type { Tell } from "../finding.ts";
import { at, durationMsAt, has, isOn, listAt } from "../settings.ts";
import { isMissingBad, isNoneOf, isNotOnBad, judgeSwitches, type Switch } from "../switches.ts";

export const MANAGER_RULES = {
  "path-not-normalized": {
    severity: "unsafe",
    want: "normalize_path: true",
    why: "Portcullis judges /public/../admin as /admin. Envoy routes it as /public, and the upstream makes of it what it likes.",
    see: "manager",
  },
  "slashes-not-merged": {
    severity: "unsafe",
    want: "merge_slashes: true",
    why: "//admin is /admin to Portcullis and to many upstreams, and another path to Envoy's routes.",
    see: "manager",
  },
  "escaped-slashes-unescaped": {
    severity: "unsafe",
    want: "path_with_escaped_slashes_action: KEEP_UNCHANGED",
    why: "An upstream may decode once more than was judged. Kept, %2F and %5C reach Portcullis, which refuses them as its ambiguousPaths says.",
    see: "manager",
  },
  "escaped-slashes-unset": {
    severity: "note",
    want: "path_with_escaped_slashes_action: KEEP_UNCHANGED",
    why: "Unset it is what Envoy's runtime says: today to keep them, which is right.",
    see: "manager",
  },
  "underscores-allowed": {
    severity: "note",
    want: "common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }",
    why: "CGI, WSGI and NGINX read X_Auth_Subject as X-Auth-Subject. Portcullis removes such doubles of its own headers; those of others still pass.",
    see: "protocol",
  },
  "strangers-believed": {
    severity: "note",
    want: "use_remote_address: true at the edge",
    why: "x-forwarded-for of a stranger counts for its address, and an address of a private network for one of your own. Portcullis believes none of it; other filters may.",
    see: "headers",
  },
  "upgrade-unbounded": {
    severity: "unsafe",
    want: "common_http_protocol_options: { max_stream_duration: 3600s }, and less on strict routes",
    why: "A WebSocket is checked once, at its start: without a bound it outlives every revocation.",
    see: "protocol",
  },
  "stream-unbounded": {
    severity: "note",
    want: "common_http_protocol_options: { max_stream_duration: 3600s }, and less on strict routes",
    why: "A gRPC stream or a long download is checked once, at its start, and goes on after a revocation.",
    see: "protocol",
  },
} as const;

type ManagerRule = keyof typeof MANAGER_RULES;

const COMMON = "common_http_protocol_options";
const SLASHES = "path_with_escaped_slashes_action";

const SWITCHES: readonly Switch<ManagerRule>[] = [
  { rule: "path-not-normalized", setting: ["normalize_path"], isBad: isNotOnBad },
  { rule: "slashes-not-merged", setting: ["merge_slashes"], isBad: isNotOnBad },
  { rule: "escaped-slashes-unset", setting: [SLASHES], isBad: isMissingBad },
  { rule: "escaped-slashes-unescaped", setting: [SLASHES], isBad: (value) => value === "UNESCAPE_AND_FORWARD" },
  {
    rule: "underscores-allowed",
    setting: [COMMON, "headers_with_underscores_action"],
    isBad: isNoneOf("DROP_HEADER", "REJECT_REQUEST"),
  },
];

export function judgeManager(manager: Manager, say: Tell<ManagerRule>): void {
  const { where, settings } = manager;
  judgeSwitches(settings, where, SWITCHES, say);
  if (!isOn(settings, "use_remote_address") && listAt(settings, "original_ip_detection_extensions").length === 0)
    say("strangers-believed", where, "use_remote_address: unset");
  if (!isBounded(at(settings, COMMON))) judgeStreams(manager, say);
}

/** Of a manager that bounds no stream by itself. */
function judgeStreams({ where, settings, routes }: Manager, say: Tell<ManagerRule>): void {
  const found = "max_stream_duration: unset";
  const upgrading = routes.filter(({ settings: route }) => upgradesOf(at(route, "route")).length > 0);
  const unbounded = upgrading.filter(({ settings: route }) => !isBounded(at(route, "route", "max_stream_duration")));
  for (const route of unbounded) say("upgrade-unbounded", route.where, found);
  if (upgradesOf(settings).length > 0) say("upgrade-unbounded", where, found);
  else if (upgrading.length === 0) say("stream-unbounded", where, found);
}

/** 0 is no bound. */
function isBounded(holder: unknown): boolean {
  return (durationMsAt(holder, "max_stream_duration") ?? 0) > 0;
}

function upgradesOf(holder: unknown): readonly unknown[] {
  return listAt(holder, "upgrade_configs").filter(
    (upgrade) => at(upgrade, "enabled") !== false && has(upgrade, "upgrade_type"),
  );
}
