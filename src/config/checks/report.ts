// Checks how a sidecar reports to the control plane.

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
  const url = readHttpUrl(look.text("control", "url") ?? "");
  const isReporting = look.has("control", "reportToken") || look.has("control", "reportTokenFile");
  if (isReporting && url?.protocol === "http:" && !isLoopback(url.hostname)) {
    look.warn(["control", "url"], "gets the report token in the clear", "an https URL, or a way there that is safe");
  }
}

/** `path` names where the token was written; the token itself is a secret and never shown. */
export function checkBearerToken(look: Look, path: readonly PropertyKey[], token: string): void {
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) look.wrong(path, "is no bearer token", A_TOKEN);
}
