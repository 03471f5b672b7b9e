// Ends what must not go on: a session, all sessions of a user, what one client holds. Each ending is one write, here and for
// Portcullis; from then on no session, code or refresh token of it is found, whoever is about to save one.
import { randomUUID } from "node:crypto";
import type { Metrics } from "./metrics.ts";
import type { Outbox } from "./outbox.ts";
import type { Revocation } from "./portcullis.ts";
import type { IdentityStore } from "./store/store.ts";

export type EndCause =
  | "logout"
  | "logout_all"
  | "disabled"
  | "password"
  | "refresh_reuse"
  | "device"
  | "admin"
  | "grant";

/** Whether Portcullis has acknowledged it. False: ended here, and access tokens live on until it has, or they expire. */
export interface Ending {
  readonly delivered: boolean;
}

export interface LoggedIn {
  readonly sid: string;
  readonly sub: string;
  /** Epoch seconds at which the password was checked. */
  readonly loginS: number;
}

export interface Sessions {
  isLive(session: LoggedIn): Promise<boolean>;
  /** Neither ended by itself nor with its user's others. */
  ofUser(sub: string): Promise<readonly string[]>;
  end(sid: string, cause: EndCause): Promise<Ending>;
  endAllOf(sub: string, cause: EndCause): Promise<Ending>;
  /** The live access tokens of a grant; the session goes on. */
  endGrant(grantId: string): Promise<Ending>;
  /** Notes an access token before it is handed out. False: its session or grant has just ended, hand out nothing. */
  noteToken(token: IssuedToken): Promise<boolean>;
  /** The session of a token that was noted and has not expired. */
  sessionOfToken(jti: string): Promise<string | undefined>;
  /** Epoch seconds: log-ins of the user before it have been ended, and what was issued before it is revoked. */
  endedBeforeS(sub: string): Promise<number>;
}

export interface IssuedToken {
  readonly jti: string;
  readonly sid: string;
  readonly grantId: string;
}

export interface SessionsOptions {
  readonly store: IdentityStore;
  /** Undefined: there is no Portcullis to tell. */
  readonly outbox: Outbox | undefined;
  readonly metrics: Metrics;
  readonly accessTokenTtlS: number;
  readonly sessionTtlS: number;
}

export function createSessions({ store, outbox, metrics, ...ttl }: SessionsOptions): Sessions {
  /** Longer than anything of the session may be found. */
  const rememberMs = ttl.sessionTtlS * 1_000 * 2;

  const endedBeforeS = async (sub: string): Promise<number> => Number((await store.get(`ended-before:${sub}`)) ?? 0);

  async function tell(revocations: readonly Revocation[]): Promise<Ending> {
    return { delivered: outbox === undefined || (await outbox.deliver(revocations)) };
  }

  return {
    async isLive({ sid, sub, loginS }) {
      if ((await store.get(`ended:${sid}`)) !== undefined) return false;
      return loginS >= (await endedBeforeS(sub));
    },

    async ofUser(sub) {
      const sids = await store.members(`sessions:${sub}`);
      const ended = await Promise.all(sids.map((sid) => store.get(`ended:${sid}`)));
      return sids.filter((_, index) => ended[index] === undefined);
    },

    async end(sid, cause) {
      const revocations = [revocation("session", sid, cause)];
      await store.write([
        { put: `ended:${sid}`, value: cause, expiresAtMs: Date.now() + rememberMs },
        ...(outbox?.changes(revocations) ?? []),
      ]);
      metrics.sessionsEnded.inc({ cause });
      return tell(revocations);
    },

    async endAllOf(sub, cause) {
      const sids = await store.members(`sessions:${sub}`);
      // As Portcullis counts, all that was issued up to the end of this second; and later than the time before, so that a
      // log-in that has waited for that one is told from this one.
      const beforeS = Math.max(Math.floor(Date.now() / 1_000), await endedBeforeS(sub)) + 1;
      // The sessions, too, by name: a token of theirs that is being signed this very moment may have a later `iat`.
      const revocations: readonly Revocation[] = [
        { ...revocation("user", sub, cause), issuedBeforeS: beforeS },
        ...sids.map((sid) => revocation("session", sid, cause)),
      ];
      await store.write([
        { put: `ended-before:${sub}`, value: String(beforeS), expiresAtMs: Date.now() + rememberMs },
        ...sids.map((sid) => ({ unlink: `sessions:${sub}`, member: sid })),
        ...(outbox?.changes(revocations) ?? []),
      ]);
      metrics.sessionsEnded.inc({ cause }, sids.length);
      return tell(revocations);
    },

    async endGrant(grantId) {
      await store.write([{ put: `ended-grant:${grantId}`, value: "", expiresAtMs: Date.now() + rememberMs }]);
      const jtis = await store.members(`tokens:${grantId}`);
      const revocations = jtis.map((jti) => revocation("token", jti, "grant"));
      if (outbox !== undefined) await store.write(outbox.changes(revocations));
      return tell(revocations);
    },

    async noteToken({ jti, sid, grantId }) {
      const expiresAtMs = Date.now() + ttl.accessTokenTtlS * 1_000;
      await store.write([
        { put: `token:${jti}`, value: sid, expiresAtMs },
        { link: `tokens:${grantId}`, member: jti, expiresAtMs },
      ]);
      // Noted first and asked then: whoever ends them meanwhile finds the token, or is found here.
      const ended = await Promise.all([store.get(`ended:${sid}`), store.get(`ended-grant:${grantId}`)]);
      return ended.every((cause) => cause === undefined);
    },

    sessionOfToken: async (jti) => store.get(`token:${jti}`),

    endedBeforeS,
  };
}

function revocation(kind: Revocation["kind"], target: string, cause: EndCause): Revocation {
  return { id: randomUUID(), kind, target, reason: `identity service: ${cause}` };
}
