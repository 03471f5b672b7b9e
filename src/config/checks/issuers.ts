// Checks issuers among each other and with the control block. Each key by itself is the schema's business.

import { isLoopback } from "../../core/loopback.ts";
import { readHttpUrl } from "../address.ts";
import { CONTROL, ISSUER } from "../defaults.ts";
import type { Look } from "./look.ts";

const JWKS_SOURCES = ["url", "file", "discovery", "envoy"] as const;

export function checkIssuers(look: Look): void {
  const issuers = look.list("issuers");
  for (const index of issuers.keys()) {
    checkJwks(look, index);
    if (hasEnvoyKeys(look, index)) checkVerifiedByEnvoy(look, index);
    checkAudiences(look, index);
    checkIntrospection(look, index);
    for (const at of look.list("issuers", index, "statusLists", "uris").keys()) {
      checkHttps(
        look,
        ["issuers", index, "statusLists", "uris", at],
        false,
        "which is none that a status list is read by",
      );
    }
    if (issuers.length > 1 && !look.has("issuers", index, "id")) {
      look.wrong(["issuers", index, "id"], "is missing", "an id for each issuer where there are several");
    }
  }
  checkUnique(look, "issuer", "the token's iss tells issuers apart: each once");
  checkUnique(look, "id", "each id once");
  checkPrefixes(look);
  checkControl(look, issuers.length);
}

/** The id of each issuer, as it will be. */
export function issuerIds(look: Look): readonly (string | undefined)[] {
  const issuers = look.list("issuers");
  return issuers.map((_, index) => look.text("issuers", index, "id") ?? (issuers.length === 1 ? ISSUER.id : undefined));
}

function checkUnique(look: Look, key: "issuer" | "id", allowed: string): void {
  const seen = new Map<string, number>();
  for (const index of look.list("issuers").keys()) {
    const value = look.text("issuers", index, key);
    if (value === undefined) continue;
    const before = seen.get(value);
    if (before === undefined) seen.set(value, index);
    else look.wrongValue(["issuers", index, key], `the same as issuers[${before}].${key}`, allowed);
  }
}

function checkJwks(look: Look, index: number): void {
  const path = ["issuers", index, "jwks"];
  const keys = look.keys(...path);
  if (keys === undefined) return;
  const sources = JWKS_SOURCES.filter((source) => keys.includes(source));
  const allowed = "exactly one of url, file, discovery: true and envoy";
  if (sources.length === 0) look.wrong(path, "has no source", allowed);
  if (sources.length > 1) look.wrong(path, `has several sources: ${sources.join(", ")}`, allowed);
  const allowHttp = look.flag(...path, "allowHttp");
  if (keys.includes("url")) checkHttps(look, [...path, "url"], allowHttp);
  if (look.flag(...path, "discovery")) checkDiscoverable(look, index, allowHttp);
}

function hasEnvoyKeys(look: Look, index: number): boolean {
  return look.has("issuers", index, "jwks", "envoy");
}

/** What only a verifier asks would stand there and not be asked. */
function checkVerifiedByEnvoy(look: Look, index: number): void {
  for (const key of ["algorithms", "profile", "introspection", "statusLists"] as const) {
    if (look.has("issuers", index, key))
      look.wrong(
        ["issuers", index, key],
        "is not asked where Envoy verifies",
        "leave it out, or have the tokens verified here",
      );
  }
  if (look.has("issuers", index, "jwks", "envoy", "header")) return;
  look.warn(
    ["issuers", index, "jwks", "envoy"],
    "revocations of kind key do not reach this issuer's tokens",
    "header, and header_in_metadata in Envoy's provider",
  );
}

/** Whether the URL at `path` is one that keys may be read from, or, where `why` says so, something else be trusted to. */
export function checkHttps(
  look: Look,
  path: readonly PropertyKey[],
  allowHttp: boolean,
  why = "whose keys anyone on the way can replace",
): void {
  const url = readHttpUrl(look.text(...path) ?? "");
  if (url === undefined || url.protocol === "https:" || isLoopback(url.hostname) || allowHttp) return;
  look.wrongValue(path, `plain http, ${why}`, "https, loopback, or allowHttp: true beside it");
}

function checkIntrospection(look: Look, index: number): void {
  const path = ["issuers", index, "introspection"];
  const allowHttp = look.flag(...path, "allowHttp");
  checkHttps(look, [...path, "url"], allowHttp, "whose tokens anyone on the way can read and call good");
}

/** A token is shown to one issuer only. */
function checkPrefixes(look: Look): void {
  const seen = new Map<string, number>();
  for (const index of look.list("issuers").keys()) {
    const path = ["issuers", index, "introspection"];
    if (look.keys(...path) === undefined) continue;
    const prefix = look.text(...path, "prefix") ?? "";
    const before = seen.get(prefix);
    if (before === undefined) seen.set(prefix, index);
    else {
      const what = `has the same as issuers[${before}].introspection.prefix, so a token would be shown to either`;
      look.wrong([...path, "prefix"], what, "a prefix of its own for each issuer that is asked");
    }
  }
}

/** RFC 8414 §2: an issuer that publishes metadata is an https URL without query and fragment. */
function checkDiscoverable(look: Look, index: number, allowHttp: boolean): void {
  const path = ["issuers", index, "issuer"];
  const text = look.text(...path);
  if (text === undefined || text === "") return;
  const url = readHttpUrl(text);
  if (url === undefined || url.search !== "" || text.includes("?")) {
    look.wrongValue(path, "no URL that metadata could be found under", "a URL without query, or jwks by url or file");
  } else checkHttps(look, path, allowHttp);
}

function checkAudiences(look: Look, index: number): void {
  const path = ["issuers", index, "audiences"];
  const any = look.flag("issuers", index, "anyAudience");
  if (any && look.has(...path)) look.wrong(path, "stands beside anyAudience: true", "one of the two");
  if (!any && look.keys("issuers", index) !== undefined && !look.has(...path)) {
    look.wrong(path, "is missing", "a list of audiences, or anyAudience: true to waive it");
  }
}

function checkControl(look: Look, issuerCount: number): void {
  const issuer = look.text("control", "issuer");
  const ids = issuerIds(look);
  if (issuer !== undefined && issuerCount > 0 && !ids.includes(issuer)) {
    look.wrongValue(
      ["control", "issuer"],
      "no issuer has this id",
      `one of ${ids.filter((id) => id !== undefined).join(", ")}`,
    );
  }
  const byEnvoy = ids.findIndex((id, index) => id === issuer && hasEnvoyKeys(look, index));
  if (issuer !== undefined && byEnvoy !== -1)
    look.wrongValue(["control", "issuer"], "Envoy verifies its tokens, and does not guard the control API", "another");
  const audience = look.text("control", "audience") ?? CONTROL.audience;
  for (const index of look.list("issuers").keys()) {
    const at = look.list("issuers", index, "audiences").indexOf(audience);
    if (at === -1) continue;
    const [path, other] = look.has("control", "audience")
      ? [["control", "audience"], `issuers[${index}].audiences[${at}]`]
      : [["issuers", index, "audiences", at], "control.audience"];
    look.wrongValue(
      path,
      `the same as ${other}, so any caller's token could revoke`,
      "an audience of the control API alone",
    );
  }
  checkTokens(look);
}

function checkTokens(look: Look): void {
  for (const key of ["name", "sha256"]) {
    const seen = new Map<string, number>();
    for (const index of look.list("control", "tokens").keys()) {
      const value = look.text("control", "tokens", index, key)?.toLowerCase();
      const before = value === undefined ? undefined : seen.get(value);
      if (before !== undefined)
        look.wrong(["control", "tokens", index, key], `is the same as control.tokens[${before}].${key}`, "each once");
      else if (value !== undefined) seen.set(value, index);
    }
  }
}
