// The filters around the guard: what runs before it should not answer or spend for a stranger, what runs after it should
// not change what was judged.

import type { HttpFilter } from "../envoy-config.ts";
import type { Tell } from "../finding.ts";
import { at, listAt, textAt } from "../settings.ts";
import type { SidecarFacts } from "../sidecar-facts.ts";

export const FILTER_RULES = {
  "cache-before-guard": {
    severity: "unsafe",
    want: "the cache after ext_authz",
    why: "It answers out of its memory, without asking whether this caller may have it.",
    see: "cache",
  },
  "credential-before-guard": {
    severity: "unsafe",
    want: "the injector after ext_authz",
    why: "Every caller is judged by the credential that Envoy puts in, not by his own.",
    see: "credentialInjector",
  },
  "body-before-guard": {
    severity: "slow",
    want: "ext_authz first",
    why: "Bodies of callers that will be refused are collected before they are.",
    see: "edge",
  },
  "changed-after-guard": {
    severity: "note",
    want: "filters that run code before ext_authz, or code that leaves path, host and x-auth-* alone",
    why: "What it changes after the answer, nobody has judged.",
    see: "extAuthz",
  },
  "identity-changed-by-filter": {
    severity: "unsafe",
    want: "no mutation of the headers that Portcullis sets",
    why: "The upstream takes these headers for the identity that was proved.",
    see: "headers",
  },
} as const;

type FilterRule = keyof typeof FILTER_RULES;

const HTTP = "envoy.extensions.filters.http";
const NOT_BEFORE: ReadonlyMap<string, FilterRule> = new Map([
  [`${HTTP}.cache.v3.CacheConfig`, "cache-before-guard"],
  [`${HTTP}.cache_v2.v3.CacheV2Config`, "cache-before-guard"],
  [`${HTTP}.credential_injector.v3.CredentialInjector`, "credential-before-guard"],
  [`${HTTP}.buffer.v3.Buffer`, "body-before-guard"],
  [`${HTTP}.file_system_buffer.v3.FileSystemBufferFilterConfig`, "body-before-guard"],
]);
const HEADER_MUTATION = `${HTTP}.header_mutation.v3.HeaderMutation`;
const RUNS_CODE = /^envoy\.extensions\.filters\.http\.(?:lua|ext_proc|wasm|dynamic_modules)\.|\.golang\./;

/** `filters` in their order, with at least one guard, at `guardIndex`. */
export function judgeFilters(
  filters: readonly HttpFilter[],
  guardIndex: number,
  facts: SidecarFacts,
  say: Tell<FilterRule>,
): void {
  for (const { type, name, where } of filters.slice(0, guardIndex)) {
    const rule = NOT_BEFORE.get(type);
    if (rule !== undefined) say(rule, where, `${name} before ext_authz`);
  }
  for (const { type, name, where, settings } of filters.slice(guardIndex + 1)) {
    if (RUNS_CODE.test(type)) say("changed-after-guard", where, `${name} after ext_authz`);
    if (type === HEADER_MUTATION) {
      for (const header of headersChanged(settings).filter((changed) => facts.managedHeaders.includes(changed)))
        say("identity-changed-by-filter", where, `request_mutations of ${header}`);
    }
  }
}

function headersChanged(settings: unknown): readonly string[] {
  return listAt(settings, "mutations", "request_mutations")
    .map((mutation) => textAt(mutation, "remove") ?? textAt(at(mutation, "append"), "header", "key") ?? "")
    .map((name) => name.toLowerCase());
}
