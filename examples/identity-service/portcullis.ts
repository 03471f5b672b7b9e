// Tells Portcullis of revocations, by its control API, and says which it has acknowledged. Never tries twice.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

export interface PortcullisOptions {
  /** Of its control API; without a slash at its end. */
  readonly url: string;
  /** The short id of this issuer in its configuration. */
  readonly issuerId: string;
  /** Holds a token with the scope `portcullis:revoke`; read each time, so that it may be exchanged. */
  readonly tokenFile: string;
}

/** What is to be revoked there. */
export interface Revocation {
  /** Tells it from others; Portcullis gives it another. */
  readonly id: string;
  readonly kind: "token" | "session" | "user";
  /** The jti, sid or sub. */
  readonly target: string;
  readonly reason: string;
  /** Epoch seconds; of a user, who is revoked up to when it was wanted and not to when it got through. */
  readonly issuedBeforeS?: number;
}

export interface Sent {
  /** Ids of those that are durable there, whatever became of the others. */
  readonly acknowledged: ReadonlySet<string>;
  /** Why some are not. */
  readonly failure?: string;
}

/** Once more is harmless: a revocation that stands is only confirmed. */
export type Send = (revocations: readonly Revocation[]) => Promise<Sent>;

/** A person waits for it; the outbox tries again. */
const TIMEOUT_MS = 4_000;

export function createSender({ url, issuerId, tokenFile }: PortcullisOptions): Send {
  const lineOf = ({ kind, target, reason, issuedBeforeS }: Revocation): string =>
    JSON.stringify({
      target: { kind, issuer: issuerId, id: target },
      reason,
      ...(issuedBeforeS === undefined ? {} : { issuedBefore: issuedBeforeS }),
    });

  return async (revocations) => {
    const acknowledged = new Set<string>();
    const failures: string[] = [];
    const ids = revocations.map(({ id }) => id);
    try {
      const response = await fetch(`${url}/v1/revocations/batch`, {
        method: "POST",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          "content-type": "application/x-ndjson",
          authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
          "idempotency-key": createHash("sha256").update(ids.join(" ")).digest("hex"),
        },
        body: revocations.map((revocation) => `${lineOf(revocation)}\n`).join(""),
      });
      if (response.status !== 200 || response.body === null) throw new Error(`it answered ${response.status}`);
      for await (const text of createInterface({ input: Readable.fromWeb(response.body) })) {
        // A line that waits for a second person has neither seq nor error: nothing is revoked by it yet.
        const { line, seq, error } = JSON.parse(text) as { line: number; seq?: unknown; error?: { code?: string } };
        const id = ids[line - 1];
        if (seq === undefined || id === undefined) failures.push(error?.code ?? "it waits for a second person");
        else acknowledged.add(id);
      }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      failures.push(`${error instanceof Error ? error.message : String(error)}${cause}`);
    }
    const isWhole = acknowledged.size === new Set(ids).size;
    return isWhole ? { acknowledged } : { acknowledged, failure: failures.at(-1) ?? "it answered no more" };
  };
}
