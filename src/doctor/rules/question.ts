// What a Check carries to Portcullis, and what of its answer Envoy takes over.

import type { HttpFilter } from "../envoy-config.ts";
import type { Tell } from "../finding.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";
import { listAt } from "../settings.ts";
import { matches } from "../string-matcher.ts";
import { isNotOnBad, isOffBad, isOnBad, isThereBad, judgeSwitches, type Switch } from "../switches.ts";

export const QUESTION_RULES = {
  "raw-headers-off": {
    severity: "unsafe",
    want: "encode_raw_headers: true",
    why: "Doubled headers arrive joined by a comma and bytes that are no UTF-8 are replaced, so that Portcullis judges other headers than the upstream gets.",
    see: "damagedHeader",
  },
  "headers-hidden": {
    severity: "unsafe",
    want: "no allowed_headers; in disallowed_headers nothing but cookie and the like",
    why: "A name that Portcullis does not see it cannot judge, and a spoofed identity header that it does not see it cannot remove.",
    see: "extAuthz",
  },
  "headers-unreadable": {
    severity: "note",
    want: "exact names in allowed_headers and disallowed_headers",
    why: "Whether this pattern hides a header that Portcullis must see cannot be told from here.",
    see: "extAuthz",
  },
  "mutations-restricted": {
    severity: "unsafe",
    want: "leave decoder_header_mutation_rules out",
    why: "Identity headers that may not be set or removed stay as the client wrote them, and with disallow_is_error every call fails.",
    see: "mutationRules",
  },
  "mutations-unchecked": {
    severity: "note",
    want: "validate_mutations: true",
    why: "A header that could not be valid HTTP fails the call instead of reaching the upstream.",
    see: "extAuthz",
  },
  "metadata-ignored": {
    severity: "note",
    want: "enable_dynamic_metadata_ingestion: true, or unset",
    why: "The decision and its reason do not reach Envoy's access log.",
    see: "extAuthz",
  },
  "route-cleared": {
    severity: "note",
    want: "clear_route_cache: false",
    why: "The route is chosen anew after the answer: the one that is taken then need not be the one whose tier was judged.",
    see: "extAuthz",
  },
  "body-sent": {
    severity: "slow",
    want: "leave with_request_body out",
    why: "Bodies are held in Envoy until Portcullis has answered, which never looks at them. Beyond max_request_bytes calls are refused with 413.",
    see: "extAuthz",
  },
  "certificate-sent": {
    severity: "slow",
    want: "include_peer_certificate: false",
    why: "Unless tokens are bound to client certificates, each Check carries kilobytes for nothing.",
    see: "extAuthz",
  },
  "certificate-missing": {
    severity: "slow",
    want: "include_peer_certificate: true",
    why: "Tokens that are bound to a client certificate are refused, for nobody tells Portcullis of it.",
    see: "extAuthz",
  },
  "metadata-not-sent": {
    severity: "slow",
    want: "the filter's namespace in metadata_context_namespaces",
    why: "Envoy verifies tokens and does not tell Portcullis, which takes such a call for one without a token.",
    see: "extAuthz",
  },
} as const;

type QuestionRule = keyof typeof QUESTION_RULES;

const SWITCHES: readonly Switch<QuestionRule>[] = [
  { rule: "raw-headers-off", setting: ["encode_raw_headers"], isBad: isNotOnBad },
  { rule: "mutations-restricted", setting: ["decoder_header_mutation_rules"], isBad: isThereBad },
  { rule: "mutations-unchecked", setting: ["validate_mutations"], isBad: isNotOnBad },
  { rule: "metadata-ignored", setting: ["enable_dynamic_metadata_ingestion"], isBad: isOffBad },
  { rule: "route-cleared", setting: ["clear_route_cache"], isBad: isOnBad },
  { rule: "body-sent", setting: ["with_request_body"], isBad: isThereBad },
];

export function judgeQuestion({ where, settings }: HttpFilter, facts: SidecarFacts, say: Tell<QuestionRule>): void {
  judgeSwitches(settings, where, SWITCHES, say);
  judgeHidden(settings, where, facts, say);
  judgeSwitches(settings, where, facts.certificates === "required" ? [CERTIFICATE_MISSING] : [CERTIFICATE_SENT], say);
  const told = listAt(settings, "metadata_context_namespaces");
  const untold = facts.metadataNamespaces.filter((namespace) => !told.includes(namespace));
  if (untold.length > 0) say("metadata-not-sent", where, `not in metadata_context_namespaces: ${untold.join(", ")}`);
}

const CERTIFICATE: readonly string[] = ["include_peer_certificate"];
const CERTIFICATE_SENT: Switch<QuestionRule> = { rule: "certificate-sent", setting: CERTIFICATE, isBad: isOnBad };
const CERTIFICATE_MISSING: Switch<QuestionRule> = {
  rule: "certificate-missing",
  setting: CERTIFICATE,
  isBad: isNotOnBad,
};

function judgeHidden(settings: unknown, where: string, facts: SidecarFacts, say: Tell<QuestionRule>): void {
  const allowed = listAt(settings, "allowed_headers", "patterns");
  const disallowed = listAt(settings, "disallowed_headers", "patterns");
  const isUnreadable = [...allowed, ...disallowed].some((pattern) => matches(pattern, "authorization") === undefined);
  if (isUnreadable) say("headers-unreadable", where, "a pattern of allowed_headers or disallowed_headers");
  const hidden = facts.watchedHeaders.filter(
    (name) => isAmong(disallowed, name) || (allowed.length > 0 && !isUnreadable && !isAmong(allowed, name)),
  );
  if (hidden.length > 0) say("headers-hidden", where, `hidden: ${fewOf(hidden)}`);
}

function isAmong(patterns: readonly unknown[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name) === true);
}

function fewOf(names: readonly string[]): string {
  const more = names.length - 3;
  return more <= 0 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${more} more`;
}
