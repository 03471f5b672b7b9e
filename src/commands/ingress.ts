// The ways in for others' standards, as the configuration opens them.

import type { Config } from "../config/config.ts";
import { createEventStream } from "../control/ingress/event-stream.ts";
import type { Following } from "../control/ingress/following.ts";
import type { Ingress } from "../control/ingress/ingress.ts";
import type { SecurityEvents } from "../control/ingress/security-event.ts";
import { createStreamVerification, type StreamVerification } from "../control/ingress/stream-verification.ts";
import type { Observer } from "../core/observer.ts";
import type { RevocationSubject } from "../revocation/subject.ts";
import type { Issuer } from "../token/issuer.ts";
import { createKeySource } from "../token/polled-keys.ts";
import { LOGOUT_TOKEN } from "../token/logout-token.ts";
import { SECURITY_EVENT_TOKEN } from "../token/security-event-token.ts";
import { createStatementVerifier, type Sender } from "../token/sender.ts";
import type { Verifier } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import type { Telemetry } from "./telemetry.ts";

/** A program waits, and will try again. */
const TIMEOUT_MS = 2_000;
/** Half of what a body may have: statements are short, and their JSON is read member by member. */
const MAX_STATEMENT_BYTES = 32 * 1024;
/** Of one poll: transmitters that wait for something to say do so for half a minute or one. */
const LONG_POLL_TIMEOUT_MS = 90_000;
const POLL_TIMEOUT_MS = 10_000;

export interface IngressParts {
  readonly issuers: readonly Issuer[];
  /** Of every issuer, for its own audiences. */
  readonly verifier: Verifier<RevocationSubject>;
  readonly transmitters: readonly Sender[];
  readonly observer: Observer;
}

export function ingressOf(config: Config, parts: IngressParts): Ingress {
  const { ingress, limits } = config;
  const { issuers, observer, transmitters, verifier } = parts;
  const { subjectFormats } = ingress;
  const issuerIds = new Map(issuers.map(({ issuer, id }) => [issuer, id]));
  const common = { maxBytes: MAX_STATEMENT_BYTES, timeoutMs: TIMEOUT_MS, clock: systemClock, observer };
  const verifications = verificationsOf(config);
  const eventsOf = (senders: readonly Sender[]): SecurityEvents => ({
    verify: createStatementVerifier({ ...common, kind: SECURITY_EVENT_TOKEN, senders }),
    issuerNames: new Map(issuers.map(({ issuer, id }) => [id, issuer])),
    subjectFormats,
    verifications,
  });
  const pushing = transmitters.filter(({ id }) => !polledNames(config).has(id));
  const logoutSenders = ingress.backchannelLogout.flatMap(({ issuer, audiences }) =>
    issuers.filter(({ id }) => id === issuer).map((one) => logoutSender(one, audiences)),
  );
  return {
    oauthRevoke: ingress.oauthRevoke
      ? {
          verifier,
          issuerIds,
          maxTokenBytes: limits.maxTokenBytes,
          timeoutMs: TIMEOUT_MS,
        }
      : undefined,
    backchannelLogout:
      logoutSenders.length === 0
        ? undefined
        : createStatementVerifier({ ...common, kind: LOGOUT_TOKEN, senders: logoutSenders }),
    securityEvents: pushing.length === 0 ? undefined : eventsOf(pushing),
    globalRevocation: ingress.globalTokenRevocation
      ? { issuerIds, fallback: issuers.length === 1 ? issuers[0]?.id : undefined, subjectFormats }
      : undefined,
    followed: [...verifications.values(), ...streamsOf(config, transmitters, eventsOf)],
  };
}

/** By the transmitters' names. */
function verificationsOf({ ingress }: Config): ReadonlyMap<string, StreamVerification> {
  const found = new Map<string, StreamVerification>();
  for (const { id, verification } of ingress.ssf) {
    if (verification === undefined) continue;
    const transmitter = nameOf(id);
    const url = new URL(verification.url);
    found.set(transmitter, createStreamVerification({ ...verification, transmitter, url }));
  }
  return found;
}

function polledNames({ ingress }: Config): ReadonlySet<string> {
  return new Set(ingress.ssf.filter(({ poll }) => poll !== undefined).map(({ id }) => nameOf(id)));
}

function streamsOf(
  { ingress }: Config,
  transmitters: readonly Sender[],
  eventsOf: (senders: readonly Sender[]) => SecurityEvents,
): readonly Following[] {
  return ingress.ssf.flatMap(({ id, poll }) => {
    if (poll === undefined) return [];
    const { bearer, everyMs, longPoll, url } = poll;
    const transmitter = nameOf(id);
    const timeoutMs = longPoll ? LONG_POLL_TIMEOUT_MS : POLL_TIMEOUT_MS;
    return [
      createEventStream({
        transmitter,
        events: eventsOf(transmitters.filter((sender) => sender.id === transmitter)),
        poll: { url: new URL(url), bearer, returnImmediately: !longPoll, timeoutMs },
        everyMs,
      }),
    ];
  });
}

/** No issuer's id has a colon, and no name of a caller: metrics and the audit trail tell them apart. */
function nameOf(transmitterId: string): string {
  return `ssf:${transmitterId}`;
}

export interface Transmitters {
  readonly senders: readonly Sender[];
  /** Begins reading their keys. */
  start(): void;
  stop(): Promise<void>;
}

/** Those whose events are taken, with key sources of their own. */
export function createTransmitters({ ingress }: Config, { observer, log }: Telemetry): Transmitters {
  const senders = ingress.ssf.map(({ jwks, poll: _poll, verification: _verification, ...transmitter }) => {
    const id = nameOf(transmitter.id);
    const keys = createKeySource({
      issuerId: id,
      location: jwks,
      algorithms: transmitter.algorithms,
      clock: systemClock,
      observer,
      log,
    });
    return { ...transmitter, id, keys, maxLifetimeMs: Infinity };
  });
  return {
    senders,
    start() {
      for (const { keys } of senders) void keys.start();
    },
    async stop() {
      await Promise.all(senders.map(({ keys }) => keys.stop()));
    },
  };
}

/** An issuer speaks of his own tokens, and signs with the keys that he signs them with. */
function logoutSender(issuer: Issuer, audiences: readonly string[]): Sender {
  const { id, clockSkewMs, maxLifetimeMs, algorithms, keys } = issuer;
  return { id, issuer: issuer.issuer, algorithms, keys, audiences, clockSkewMs, maxLifetimeMs, revokes: id };
}
