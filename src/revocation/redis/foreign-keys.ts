// Lists the keys of a Redis that is not ours, with their expiry: a deny list that somebody else kept. It reads keys' names alone,
// and writes nothing.

import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { connect, type Connection } from "./connection.ts";
import { parseRedisUrl } from "./url.ts";

/** Who asks by hand waits longer than a Check. */
const ANSWER_TIMEOUT_MS = 5_000;
/** As many as Redis steps over in well under a millisecond. */
const KEYS_PER_STEP = 1_000;

export interface ForeignKey {
  readonly key: string;
  /** Epoch milliseconds; undefined: it has no expiry. */
  readonly expiresAtMs: number | undefined;
}

export interface ForeignKeys {
  /** A key that stays there throughout comes at least once, perhaps twice. Throws ForeignReadError where it breaks off. */
  matching(pattern: string): AsyncGenerator<ForeignKey>;
  close(): Promise<void>;
}

/** The server stopped answering, or refused; the message is for people, without a credential. */
export class ForeignReadError extends Error {}

/** Why there is none: the URL means none, or it does not answer. `why` is one line for people, without the URL. */
export interface NotOpened {
  readonly fault: "url" | "server";
  readonly why: string;
}

/** One server, primary or replica. */
export function openForeignKeys(url: string, clock: Clock): Promise<Result<ForeignKeys, NotOpened>> {
  const address = parseRedisUrl(url);
  if (!address.ok) return Promise.resolve(err({ fault: "url", why: address.error }));
  return new Promise((resolve) => {
    connect(
      {
        address: address.value,
        role: "any",
        name: "portcullis-import",
        silenceMs: ANSWER_TIMEOUT_MS,
        maxUnanswered: KEYS_PER_STEP * 8,
        clock,
      },
      (connection) => resolve(ok(readerOf(connection, clock))),
      ({ cause, detail }) => resolve(err({ fault: "server", why: `it does not answer (${cause}): ${detail}` })),
    );
  });
}

function readerOf(connection: Connection, clock: Clock): ForeignKeys {
  async function ask(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const reply = await connection.send(command, args, ANSWER_TIMEOUT_MS);
    if (!reply.ok)
      throw new ForeignReadError(`${command} was not answered (${reply.error.cause}): ${reply.error.detail}`);
    return reply.value;
  }
  async function expiryOf(key: string): Promise<ForeignKey | undefined> {
    const leftMs = Number(await ask("PTTL", key));
    // Gone meanwhile. Of bytes that are no UTF-8 the name asked for is another: whoever reads it must hear of it all the same.
    if (leftMs === -2 && !key.includes("\uFFFD")) return undefined;
    return { key, expiresAtMs: leftMs < 0 ? undefined : Math.round(clock.now().wallMs + leftMs) };
  }
  return {
    async *matching(pattern) {
      let cursor = "0";
      do {
        const [next, keys] = (await ask("SCAN", cursor, "MATCH", pattern, "COUNT", KEYS_PER_STEP)) as [
          unknown,
          unknown[],
        ];
        cursor = String(next);
        // Asked together, answered in order.
        for (const found of await Promise.all(keys.map((key) => expiryOf(String(key)))))
          if (found !== undefined) yield found;
      } while (cursor !== "0");
    },
    close: () => connection.end({ cause: "stopped", detail: "closed" }),
  };
}
