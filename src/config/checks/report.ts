// Checks how a sidecar reports to the control plane, and how it is told and asks there.

import { isLoopback } from "../../core/loopback.ts";
import { readHttpUrl } from "../address.ts";
import type { Look } from "./look.ts";

const A_TOKEN = "a token of visible ASCII characters (RFC 6750)";

export function checkReport(look: Look): void {
  const token = look.text("control", "reportToken");
  if (token !== undefined) checkBearerToken(look, ["control", "reportToken"], token);
  if (look.has("control", "reportToken") && look.has("control", "reportTokenFile")) {
    look.wrong(["control", "reportTokenFile"], "stands beside control.reportToken", "one of the two");
  }
  checkRelay(look);
  const url = readHttpUrl(look.text("control", "url") ?? "");
  const isReporting = look.has("control", "reportToken") || look.has("control", "reportTokenFile");
  if (isReporting && url?.protocol === "http:" && !isLoopback(url.hostname)) {
    look.warn(["control", "url"], "gets the report token in the clear", "an https URL, or a way there that is safe");
  }
}

function checkRelay(look: Look): void {
  const isTold = look.text("feed", "type") === "relay";
  if (!isTold && look.text("store", "type") !== "relay") return;
  const [path, allowed] = isTold
    ? [["feed", "type"], "control.reportToken or control.reportTokenFile beside it"]
    : [["store", "type"], "feed.type: relay beside it"];
  const hasToken = look.has("control", "reportToken") || look.has("control", "reportTokenFile");
  if (!isTold) look.wrongValue(path, "is for who is told by the control plane, too", allowed);
  else if (!hasToken) look.wrongValue(path, "has no token for the control plane", allowed);
}

/** `path` names where the token was written; the token itself is a secret and never shown. */
export function checkBearerToken(look: Look, path: readonly PropertyKey[], token: string): void {
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) look.wrong(path, "is no bearer token", A_TOKEN);
}
