// Builds the dashboard of a control plane as it is configured.

import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import type { DashboardConfig } from "../config/control-config.ts";
import { MIN_SECRET_LENGTH } from "../config/defaults.ts";
import type { AccessTokens } from "../control/access-token.ts";
import { createBootstrapAuthenticator, type BootstrapToken } from "../control/bootstrap-token.ts";
import type { Dashboard } from "../control/dashboard/dashboard.ts";
import { readPageFiles } from "../control/dashboard/files.ts";
import { createOidcSignIn } from "../control/dashboard/oidc.ts";
import { createSeal } from "../control/dashboard/seal.ts";
import { createSessions } from "../control/dashboard/sessions.ts";
import { systemClock } from "./clock.ts";

/** Where `make dashboard` builds it: beside src in a checkout, below dist/main.js in an image. */
const PAGE_FOLDER = fileURLToPath(new URL("../../dist/dashboard", import.meta.url));

export interface DashboardParts {
  readonly tokens: readonly BootstrapToken[];
  /** undefined: no issuer's tokens may call the API. */
  readonly accessTokens: AccessTokens | undefined;
  readonly issuers: Dashboard["issuers"];
  readonly version: string;
}

/** `dev` has one in any case. */
export function devDashboard({ dashboard }: Config): DashboardConfig {
  return dashboard ?? { oidc: undefined, tokenSignIn: true };
}

/** `named` undefined: there is none. */
export function createDashboard(named: DashboardConfig | undefined, parts: DashboardParts): Dashboard | undefined {
  if (named === undefined) return undefined;
  const { oidc, tokenSignIn } = named;
  const secret = oidc?.clientSecret;
  const seal = createSeal(secret !== undefined && secret.length >= MIN_SECRET_LENGTH ? secret : undefined);
  return {
    sessions: createSessions({
      seal,
      clock: systemClock,
      bootstrap: createBootstrapAuthenticator(parts.tokens),
      accessTokens: parts.accessTokens,
    }),
    seal,
    oidc: oidc === undefined ? undefined : createOidcSignIn(oidc, () => systemClock.now().monotonicMs),
    tokenSignIn,
    files: readPageFiles(PAGE_FOLDER),
    issuers: parts.issuers,
    version: parts.version,
  };
}
