// A real control server whose ways in for others' standards are open, with issuers and senders whose keys are at hand.

import { randomUUID } from "node:crypto";
import { createEventStream, type EventStreamOptions } from "../../src/control/ingress/event-stream.ts";
import type { Ingress } from "../../src/control/ingress/ingress.ts";
import type { Observer } from "../../src/core/observer.ts";
import { ok } from "../../src/core/result.ts";
import { subjectOf, type RevocationSubject } from "../../src/revocation/subject.ts";
import type { Issuer } from "../../src/token/issuer.ts";
import { LOGOUT_TOKEN } from "../../src/token/logout-token.ts";
import { SECURITY_EVENT_TOKEN } from "../../src/token/security-event-token.ts";
import { createStatementVerifier, type Sender } from "../../src/token/sender.ts";
import { createVerifier } from "../../src/token/verifier.ts";
import {
  realClock,
  startControlPlane,
  type Answer,
  type ControlPlane,
  type ControlPlaneOptions,
} from "./control-plane.ts";
import { createTestKey, ISSUER, issuerWith, keysByHand, signToken, type Json, type TestKey } from "./tokens.ts";

/** Of the issuer `main`. */
const issuerKey: TestKey = createTestKey("ES256", "k1");
const transmitterKey: TestKey = createTestKey("ES256", "t1");
/** Of nobody here, under the same kid. */
export const strangersKey: TestKey = createTestKey("ES256", "k1");

export const issuer: Issuer = issuerWith(keysByHand([issuerKey.jwk], ["ES256"]), ["ES256"]);
/** Its keys cannot be read anew: a kid that is not among those known may be a new one. */
export const issuerUnread: Issuer = {
  ...issuer,
  keys: { ...keysByHand([issuerKey.jwk], ["ES256"]), isKnownAbsent: () => false },
};
export const issuerWithoutKeys: Issuer = { ...issuer, keys: keysByHand([], ["ES256"]) };

const observer: Pick<Observer, "verified" | "verifiedTokenCache" | "issuerClockAhead"> = {
  verified: () => undefined,
  verifiedTokenCache: () => undefined,
  issuerClockAhead: () => undefined,
};

const LOGOUT_AUDIENCES = ["shop", "shop-mobile"];

const STATEMENTS = { maxBytes: 32 * 1024, timeoutMs: 2_000, clock: realClock, observer };

export const TRANSMITTER = "https://events.example.com";

function transmitterWith(main: Issuer): Sender {
  const keys = main.keys.status().hasKeys ? [transmitterKey.jwk] : [];
  return {
    id: "ssf:risk",
    issuer: TRANSMITTER,
    audiences: ["https://portcullis.example.com"],
    algorithms: ["ES256"],
    keys: { ...keysByHand(keys, ["ES256"]), isKnownAbsent: main.keys.isKnownAbsent },
    clockSkewMs: 30_000,
    maxLifetimeMs: Infinity,
    revokes: main.id,
  };
}

export interface IngressPlane extends ControlPlane {
  /** Sends a form; text and bytes as they are. */
  form(
    path: string,
    fields: Readonly<Record<string, string>> | string | Uint8Array<ArrayBuffer>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Targets of everything revoked, as `kind:id`. */
  revoked(): Promise<readonly string[]>;
}

/** `polls`: by what it follows a transmitter's stream; undefined: events are pushed. */
export async function startIngress(
  options: ControlPlaneOptions = {},
  main: Issuer = issuer,
  polls?: Pick<EventStreamOptions, "poll" | "everyMs">,
): Promise<IngressPlane> {
  const ingress = ingressOf(main);
  const events = ingress.securityEvents;
  const followed =
    polls === undefined || events === undefined
      ? []
      : [createEventStream({ ...polls, transmitter: "ssf:risk", events })];
  const plane = await startControlPlane({ ...options, ingress: { ...ingress, followed } });
  return {
    ...plane,
    form: (path, fields, headers = {}) =>
      plane.call("POST", path, {
        body:
          typeof fields === "string" || fields instanceof Uint8Array ? fields : new URLSearchParams(fields).toString(),
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      }),
    async revoked() {
      const { items } = (await plane.call("GET", "/v1/revocations?limit=1000")).json;
      return items.map(({ target }) => `${(target as { kind?: string }).kind}:${target.id}`).toSorted();
    },
  };
}

function ingressOf(main: Issuer): Ingress {
  return {
    oauthRevoke: {
      verifier: createVerifier<RevocationSubject>({
        issuers: [main],
        maxTokenBytes: 16 * 1024,
        verifiedTokens: 100,
        maxWaiting: 100,
        clock: realClock,
        observer,
        compile: (principal, digest) => ok(subjectOf(principal, "", digest, 30_000)),
        keptClaims: [],
      }),
      issuerIds: new Map([[main.issuer, main.id]]),
      maxTokenBytes: 16 * 1024,
      timeoutMs: 2_000,
    },
    backchannelLogout: createStatementVerifier({
      kind: LOGOUT_TOKEN,
      senders: [{ ...main, audiences: LOGOUT_AUDIENCES, revokes: main.id }],
      ...STATEMENTS,
    }),
    securityEvents: {
      verify: createStatementVerifier({ kind: SECURITY_EVENT_TOKEN, senders: [transmitterWith(main)], ...STATEMENTS }),
      issuerNames: new Map([[main.id, main.issuer]]),
      subjectFormats: ["email"],
      verifications: new Map(),
    },
    globalRevocation: {
      issuerIds: new Map([[main.issuer, main.id]]),
      fallback: main.id,
      subjectFormats: ["email"],
    },
    followed: [],
  };
}

/** Now, in epoch seconds. */
export function nowS(): number {
  return Math.floor(Date.now() / 1_000);
}

/** Claims of a good access token of `main`, with a jti of its own. */
function accessClaims(changes: Json = {}): Json {
  return {
    iss: ISSUER,
    aud: "orders-api",
    sub: "alice",
    jti: randomUUID(),
    sid: "session-1",
    client_id: "shop",
    iat: nowS() - 5,
    exp: nowS() + 600,
    ...changes,
  };
}

export function accessToken(changes: Json = {}, key: TestKey = issuerKey): string {
  return signToken(key, accessClaims(changes));
}

const LOGOUT_EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

/** A good logout token of `main`; what is undefined in the changes is left out. */
export function logoutToken(changes: Json = {}, header: Json = {}, key: TestKey = issuerKey): string {
  const claims = {
    iss: ISSUER,
    aud: "shop",
    sub: "alice",
    sid: "session-1",
    jti: randomUUID(),
    iat: nowS(),
    exp: nowS() + 120,
    events: LOGOUT_EVENTS,
    ...changes,
  };
  return signToken(key, claims, { typ: "logout+jwt", ...header });
}

/** A good security event token of the transmitter; what is undefined in the changes is left out. */
export function eventToken(changes: Json = {}, header: Json = {}, key: TestKey = transmitterKey): string {
  const claims = {
    iss: TRANSMITTER,
    aud: "https://portcullis.example.com",
    jti: randomUUID(),
    iat: nowS(),
    sub_id: { format: "iss_sub", iss: ISSUER, sub: "alice" },
    events: { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": { event_timestamp: nowS() } },
    ...changes,
  };
  return signToken(key, claims, { typ: "secevent+jwt", ...header });
}
