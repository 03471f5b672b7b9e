// Tells Portcullis of one revocation, by its control API. Says whether it was acknowledged; never tries twice.
import { readFileSync } from "node:fs";

export interface PortcullisOptions {
  /** Of its control API; without a slash at its end. */
  readonly url: string;
  /** The short id of this issuer in its configuration. */
  readonly issuerId: string;
  /** Holds a token with the scope `portcullis:revoke`; read each time, so that it may be exchanged. */
  readonly tokenFile: string;
}

/** What is to be revoked there, once acknowledged or not. */
export interface Revocation {
  /** Also the idempotency key: however often it is sent, it happens once. */
  readonly id: string;
  readonly kind: "token" | "session" | "user";
  /** The jti, sid or sub. */
  readonly target: string;
  readonly reason: string;
  /** Epoch seconds; of a user, who is revoked up to when it was wanted and not to when it got through. */
  readonly issuedBeforeS?: number;
}

/** Undefined: it is durable there. Otherwise why not. */
export type Send = (revocation: Revocation) => Promise<string | undefined>;

/** A person waits for it; the outbox tries again. */
const TIMEOUT_MS = 2_000;

export function createSender({ url, issuerId, tokenFile }: PortcullisOptions): Send {
  return async ({ id, kind, target, reason, issuedBeforeS }) => {
    try {
      const response = await fetch(`${url}/v1/revocations`, {
        method: "POST",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
          "idempotency-key": id,
        },
        body: JSON.stringify({
          target: { kind, issuer: issuerId, id: target },
          reason,
          ...(issuedBeforeS === undefined ? {} : { issuedBefore: issuedBeforeS }),
        }),
      });
      const answer = await response.text();
      // 202 would be one that waits for a second person: nothing is revoked by it yet.
      return response.status === 201 ? undefined : `answered ${response.status}: ${answer.slice(0, 200)}`;
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      return `not reached: ${error instanceof Error ? error.message : String(error)}${cause}`;
    }
  };
}
