// Sessions of the dashboard: what a signed-in person may do is what the token he signed in with may, judged on every
// call as if he had sent it. The token itself is not kept, here or in the browser: only what says whether it is revoked.

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { createTokenMemory } from "../../core/token-memory.ts";
import type { RevocationSubject } from "../../revocation/subject.ts";
import type { AccessTokens } from "../access-token.ts";
import type { AccessFault, Authenticator, Caller } from "../access.ts";
import type { BootstrapTokens } from "../bootstrap-token.ts";
import type { Problem } from "../problem.ts";
import { cookieOf, SESSION_COOKIE } from "./cookies.ts";
import type { Seal } from "./seal.ts";

export interface Session {
  /** Drawn at random. */
  readonly id: string;
  readonly caller: Caller;
  /** Comes back in a header with every write, which no other site can send. */
  readonly csrf: string;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  readonly authority: Authority;
}

type Authority =
  /** Of the bootstrap token: it has to be configured still. */
  | { readonly kind: "bootstrap"; readonly sha256: string }
  /** Of the access token; `tokenId` where it has one. */
  | { readonly kind: "access"; readonly subject: KeptSubject; readonly issuerId: string; readonly tokenId?: string };

type KeptSubject = Pick<RevocationSubject, "keys" | "kinds" | "issuedAtS" | "forgetAtWallMs" | "identity">;

export interface Sessions {
  /** A session for whoever holds `token`, and the value of its cookie. */
  begin(token: string): Promise<Result<{ readonly session: Session; readonly cookie: string }, AccessFault>>;
  /** The session of a request, judged now; undefined: it has none. */
  of(request: IncomingMessage): Promise<Result<Session, AccessFault> | undefined>;
  /** What a request has in place of a token; undefined: it has none. A write must show that it comes from our own page. */
  credentialOf(request: IncomingMessage): Result<string, Problem> | undefined;
  /** Knows what `credentialOf` gave. */
  readonly authenticator: Authenticator;
  /** Of a session that was found good, or asked for here, a moment ago, and of which it cannot be told now. */
  lately(credential: string): Caller | undefined;
  /** Here, at once. */
  end(session: Session): void;
}

export interface SessionOptions {
  readonly seal: Seal;
  readonly clock: Clock;
  readonly bootstrap: BootstrapTokens;
  /** undefined: bootstrap tokens only. */
  readonly accessTokens: AccessTokens | undefined;
}

const CSRF_HEADER = "x-portcullis-csrf";

/** Of a bootstrap token, which has no end of its own: a working day. */
const MAX_SESSION_MS = 8 * 3_600_000;
/** Some 100 B each. */
const MAX_REMEMBERED = 10_000;
/** A page asks each second, and waits up to 2 s for an answer. */
const LATELY_MS = 8_000;
const PURPOSE = "session";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

const NOT_OURS: Problem = {
  code: "cross_site",
  detail: `A write of the dashboard's session carries ${CSRF_HEADER}, as /dashboard/session tells it.`,
};

export function createSessions({ seal, clock, bootstrap, accessTokens }: SessionOptions): Sessions {
  const ended = new Set<string>();
  /** When each was found good, on the monotonic clock; the latest last. */
  const goodAtMs = new Map<string, number>();

  function noteGood(id: string): void {
    goodAtMs.delete(id);
    goodAtMs.set(id, clock.now().monotonicMs);
    const [oldest] = goodAtMs.keys();
    if (goodAtMs.size > MAX_REMEMBERED && oldest !== undefined) goodAtMs.delete(oldest);
  }

  /** Who it is, and until when at most. */
  async function admit(token: string): Promise<Result<Pick<Session, "caller" | "untilMs" | "authority">, AccessFault>> {
    const latestMs = clock.now().wallMs + MAX_SESSION_MS;
    const known = bootstrap.find(token);
    if (known !== undefined) {
      const { caller, sha256 } = known;
      return ok({ caller, untilMs: latestMs, authority: { kind: "bootstrap", sha256 } });
    }
    const admitted = await accessTokens?.admit(token);
    if (admitted === undefined) return err({ cause: "unknown_token" });
    if (!admitted.ok) return admitted;
    const { caller, principal, subject } = admitted.value;
    const { keys, kinds, issuedAtS, forgetAtWallMs, identity } = subject;
    const { issuerId, tokenId } = principal;
    return ok({
      caller,
      untilMs: Math.min(latestMs, principal.expiresAtS * 1_000),
      authority: {
        kind: "access",
        subject: { keys, kinds, issuedAtS, forgetAtWallMs, identity },
        issuerId,
        ...(tokenId === undefined ? {} : { tokenId }),
      },
    });
  }

  function read(cookie: string): Session | undefined {
    const session = seal.open(PURPOSE, cookie) as Session | undefined;
    if (session === undefined || ended.has(session.id)) return undefined;
    return session.untilMs > clock.now().wallMs ? session : undefined;
  }

  async function judge(cookie: string): Promise<Result<Session, AccessFault>> {
    const session = read(cookie);
    if (session === undefined) return err({ cause: "refused" });
    const { authority } = session;
    if (authority.kind === "bootstrap") {
      const caller = bootstrap.callerOf(authority.sha256);
      return caller === undefined ? err({ cause: "refused" }) : ok({ ...session, caller });
    }
    if (accessTokens === undefined) return err({ cause: "refused" });
    const { subject } = authority;
    const judged = await accessTokens.judge({ ...subject, memory: createTokenMemory(), fingerprints: undefined });
    if (judged.ok) noteGood(session.id);
    else if (judged.error.cause !== "unavailable") goodAtMs.delete(session.id);
    return judged.ok ? ok(session) : judged;
  }

  return {
    async begin(token) {
      const admitted = await admit(token);
      if (!admitted.ok) return admitted;
      const session = { id: drawn(), csrf: drawn(), ...admitted.value };
      return ok({ session, cookie: seal.close(PURPOSE, session) });
    },
    async of(request) {
      const cookie = cookieOf(request, SESSION_COOKIE);
      return cookie === undefined ? undefined : judge(cookie);
    },
    credentialOf(request) {
      const cookie = cookieOf(request, SESSION_COOKIE);
      if (cookie === undefined) return undefined;
      if (SAFE_METHODS.has(request.method ?? "")) return ok(cookie);
      const session = read(cookie);
      // Who has no session is told so, and not that a header is missing.
      return session === undefined || isOwn(request, session) ? ok(cookie) : err(NOT_OURS);
    },
    authenticator: {
      async authenticate(cookie) {
        const judged = await judge(cookie);
        return judged.ok ? ok(judged.value.caller) : judged;
      },
    },
    lately(cookie) {
      const session = read(cookie);
      const atMs = session === undefined ? undefined : goodAtMs.get(session.id);
      if (session === undefined || atMs === undefined || clock.now().monotonicMs - atMs > LATELY_MS) return undefined;
      noteGood(session.id);
      return session.caller;
    },
    end({ id }) {
      ended.add(id);
      const [oldest] = ended;
      if (ended.size > MAX_REMEMBERED && oldest !== undefined) ended.delete(oldest);
    },
  };
}

function isOwn({ headers }: IncomingMessage, { csrf }: Session): boolean {
  const [sent, own] = [Buffer.from(String(headers[CSRF_HEADER])), Buffer.from(csrf)];
  return sent.length === own.length && timingSafeEqual(sent, own);
}

function drawn(): string {
  return randomBytes(18).toString("base64url");
}
