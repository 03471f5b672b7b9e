// Checks how people sign in to the dashboard.

import { isLoopback } from "../../core/loopback.ts";
import { readHttpUrl } from "../address.ts";
import { MIN_SECRET_LENGTH } from "../defaults.ts";
import type { Look } from "./look.ts";

const CALLBACK = "/dashboard/callback";

export function checkDashboard(look: Look): void {
  for (const key of ["issuer", "redirectUrl"]) {
    const url = readHttpUrl(look.text("dashboard", "oidc", key) ?? "");
    if (url === undefined || url.protocol === "https:" || isLoopback(url.hostname)) continue;
    look.wrongValue(["dashboard", "oidc", key], "would be asked in the clear", "an https URL, or one on loopback");
  }
  checkCallback(look);
  const [secret, file] = [
    ["dashboard", "oidc", "clientSecret"],
    ["dashboard", "oidc", "clientSecretFile"],
  ] as const;
  if (look.has(...secret) && look.has(...file)) look.wrong(file, "stands beside clientSecret", "one of the two");
  const written = look.text(...secret);
  if (written !== undefined) warnOfShortSecret(look, secret, written);
}

/** A stranger is given what it would seal, and could try secrets on that until one fits. */
export function warnOfShortSecret(look: Look, path: readonly PropertyKey[], secret: string): void {
  if (secret.length >= MIN_SECRET_LENGTH) return;
  look.warn(
    path,
    "is too short to seal sessions: each is good at the control plane that began it alone",
    `at least ${MIN_SECRET_LENGTH} random characters`,
  );
}

function checkCallback(look: Look): void {
  const back = readHttpUrl(look.text("dashboard", "oidc", "redirectUrl") ?? "");
  if (back !== undefined && back.pathname !== CALLBACK) {
    look.wrongValue(["dashboard", "oidc", "redirectUrl"], "nobody answers there", `a URL with the path ${CALLBACK}`);
  }
}
