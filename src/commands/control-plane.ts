// Builds the control plane over a store and a ladder that somebody else started.

import type { Config } from "../config/config.ts";
import { createAccessTokens } from "../control/access-token.ts";
import type { Authenticator } from "../control/access.ts";
import type { BootstrapToken } from "../control/bootstrap-token.ts";
import { createControlServer, type ControlServer } from "../control/server.ts";
import { ok } from "../core/result.ts";
import type { RevocationStore } from "../revocation/store.ts";
import { subjectOf, type RevocationSubject } from "../revocation/subject.ts";
import type { Issuer } from "../token/issuer.ts";
import { createVerifier } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import type { Ladder } from "./store.ts";
import type { Telemetry } from "./telemetry.ts";

/** Of judging one caller: a person or a program waits, no proxy does. */
const ACCESS_TIMEOUT_MS = 2_000;

export interface ControlPlaneParts {
  readonly store: RevocationStore;
  readonly ladder: Ladder;
  readonly issuers: readonly Issuer[];
  readonly telemetry: Telemetry;
  /** Besides those of the configuration. */
  readonly tokens: readonly BootstrapToken[];
  readonly version: string;
}

export function createControlPlane(config: Config, parts: ControlPlaneParts): ControlServer {
  const admin = parts.issuers.find((issuer) => issuer.id === config.control.issuer);
  return createControlServer({
    store: parts.store,
    issuers: config.issuers,
    keyPrefix: config.store.keyPrefix,
    tokens: [...config.control.tokens, ...parts.tokens],
    authenticators: admin === undefined ? [] : [accessTokensOf(admin, config, parts)],
    clock: systemClock,
    log: parts.telemetry.log,
    listen: config.listen.control,
    version: parts.version,
  });
}

function accessTokensOf(admin: Issuer, config: Config, { ladder, telemetry }: ControlPlaneParts): Authenticator {
  return createAccessTokens({
    verifier: createVerifier<RevocationSubject>({
      issuers: [{ ...admin, audiences: [config.control.audience] }],
      maxTokenBytes: config.limits.maxTokenBytes,
      verifiedTokens: config.limits.verifiedTokenCount,
      clock: systemClock,
      observer: telemetry.observer,
      compile: (principal, digest) => ok(subjectOf(principal, config.store.keyPrefix, digest, admin.clockSkewMs)),
    }),
    guard: ladder.guard,
    clock: systemClock,
    timeoutMs: ACCESS_TIMEOUT_MS,
  });
}
