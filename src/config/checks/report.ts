// Checks how a sidecar reports to the control plane, and how it is told and asks there.

import { isLoopback } from "../../core/loopback.ts";
import { readHttpUrl } from "../address.ts";
import type { Look } from "./look.ts";

const A_TOKEN = "a token of visible ASCII characters (RFC 6750)";

export function checkReport(look: Look): void {
  checkReportToken(look);
  checkRelay(look);
  const url = readHttpUrl(look.text("control", "url") ?? "");
  if (hasReportToken(look) && url?.protocol === "http:" && !isLoopback(url.hostname)) {
    look.warn(["control", "url"], "gets the report token in the clear", "an https URL, or a way there that is safe");
  }
}

function checkReportToken(look: Look): void {
  const path = ["control", "reportToken"];
  const token = look.text(...path);
  if (token !== undefined) checkBearerToken(look, path, token);
  if (look.has(...path) && look.has("control", "reportTokenFile")) {
    look.wrong(["control", "reportTokenFile"], "stands beside control.reportToken", "one of the two");
  }
  if (look.callToken !== undefined && !isNamed(look)) {
    checkBearerToken(look, path, look.callToken, "PORTCULLIS_TOKEN of the environment");
  }
}

export function callTokenIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env["PORTCULLIS_TOKEN"]?.trim() || undefined;
}

/** In the file, or else in the environment, where commands have theirs. */
export function hasReportToken(look: Look): boolean {
  return isNamed(look) || look.callToken !== undefined;
}

function isNamed(look: Look): boolean {
  return look.has("control", "reportToken") || look.has("control", "reportTokenFile");
}

function checkRelay(look: Look): void {
  const isTold = look.text("feed", "type") === "relay";
  if (!isTold && look.text("store", "type") !== "relay") return;
  const [path, allowed] = isTold
    ? [
        ["feed", "type"],
        "control.reportToken or control.reportTokenFile beside it, or PORTCULLIS_TOKEN in the environment",
      ]
    : [["store", "type"], "feed.type: relay beside it"];
  if (!isTold) look.wrongValue(path, "is for who is told by the control plane, too", allowed);
  else if (!hasReportToken(look)) look.wrongValue(path, "has no token for the control plane", allowed);
}

/** `path` names where the token was written; the token itself is a secret and never shown. */
export function checkBearerToken(look: Look, path: readonly PropertyKey[], token: string, where = ""): void {
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return;
  look.wrong(path, where === "" ? "is no bearer token" : `${where} is no bearer token`, A_TOKEN);
}
