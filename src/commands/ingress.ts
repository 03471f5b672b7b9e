// The ways in for others' standards, as the configuration opens them.

import type { Config } from "../config/config.ts";
import type { Ingress } from "../control/ingress/ingress.ts";
import type { Observer } from "../core/observer.ts";
import type { RevocationSubject } from "../revocation/subject.ts";
import type { Issuer } from "../token/issuer.ts";
import { LOGOUT_TOKEN } from "../token/logout-token.ts";
import { createStatementVerifier, type Sender, type StatementOptions } from "../token/sender.ts";
import type { Verifier } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";

/** A program waits, and will try again. */
const TIMEOUT_MS = 2_000;
/** Half of what a body may have: statements are short, and their JSON is read member by member. */
const MAX_STATEMENT_BYTES = 32 * 1024;

export interface IngressParts {
  readonly issuers: readonly Issuer[];
  /** Of every issuer, for its own audiences. */
  readonly verifier: Verifier<RevocationSubject>;
  readonly observer: Observer;
}

export function ingressOf({ ingress, limits }: Config, { issuers, verifier, observer }: IngressParts): Ingress {
  const common = { maxBytes: MAX_STATEMENT_BYTES, timeoutMs: TIMEOUT_MS, clock: systemClock, observer };
  const logoutSenders = ingress.backchannelLogout.flatMap(({ issuer, audiences }) =>
    issuers.filter(({ id }) => id === issuer).map((one) => logoutSender(one, audiences)),
  );
  return {
    oauthRevoke: ingress.oauthRevoke
      ? {
          verifier,
          issuerIds: new Map(issuers.map(({ issuer, id }) => [issuer, id])),
          maxTokenBytes: limits.maxTokenBytes,
          timeoutMs: TIMEOUT_MS,
        }
      : undefined,
    backchannelLogout: verifierOf({ ...common, kind: LOGOUT_TOKEN, senders: logoutSenders }),
  };
}

function verifierOf<C>(options: StatementOptions<C>): ReturnType<typeof createStatementVerifier<C>> | undefined {
  return options.senders.length === 0 ? undefined : createStatementVerifier(options);
}

/** An issuer speaks of his own tokens, and signs with the keys that he signs them with. */
function logoutSender(issuer: Issuer, audiences: readonly string[]): Sender {
  const { id, clockSkewMs, maxLifetimeMs, algorithms, keys } = issuer;
  return { id, issuer: issuer.issuer, algorithms, keys, audiences, clockSkewMs, maxLifetimeMs, revokes: id };
}
