// How often a password may be guessed: by account and network, by account from anywhere, by network for any account. It
// counts names that exist and names that do not alike.
import { createHash } from "node:crypto";
import { update, type IdentityStore } from "./store/store.ts";

/** Counting begins anew so long after the first attempt. */
const WINDOW_MS = 15 * 60_000;

/** Failures in a window before the next attempt is refused unheard. */
export const MOST_FAILURES = {
  /** Somebody who has forgotten a password. */
  accountAndNetwork: 5,
  /** Guessing from many places; a stranger who does so locks the account's owner out for the window, too. */
  account: 50,
  /** Trying one password on many accounts. */
  network: 50,
} as const;

export type Admission =
  | { readonly admitted: true; /** It was no failure: takes it back. */ forgive(): Promise<void> }
  | { readonly admitted: false; readonly retryAfterS: number };

export interface LoginLimit {
  /** Counts the attempt before it is judged, so that attempts at one time are counted, too. */
  admit(username: string, network: string): Promise<Admission>;
}

interface Count {
  readonly failures: number;
  readonly endsAtMs: number;
}

export function createLoginLimit(store: IdentityStore): LoginLimit {
  async function count(key: string, most: number, nowMs: number): Promise<Count | undefined> {
    let over: Count | undefined;
    await update(store, key, (value) => {
      const was = value === undefined ? { failures: 0, endsAtMs: nowMs + WINDOW_MS } : (JSON.parse(value) as Count);
      over = was.failures >= most ? was : undefined;
      if (over !== undefined) return undefined;
      return { value: JSON.stringify({ ...was, failures: was.failures + 1 }), expiresAtMs: was.endsAtMs };
    });
    return over;
  }

  async function takeBack(key: string): Promise<void> {
    await update(store, key, (value) => {
      if (value === undefined) return undefined;
      const was = JSON.parse(value) as Count;
      return { value: JSON.stringify({ ...was, failures: Math.max(0, was.failures - 1) }), expiresAtMs: was.endsAtMs };
    });
  }

  return {
    async admit(username, network) {
      const nowMs = Date.now();
      const counted: string[] = [];
      const parts = { accountAndNetwork: [username, network], account: [username], network: [network] } as const;
      for (const [name, most] of Object.entries(MOST_FAILURES)) {
        const key = `attempts:${name}:${digest(parts[name as keyof typeof parts])}`;
        const over = await count(key, most, nowMs);
        if (over !== undefined) {
          await Promise.all(counted.map(takeBack));
          return { admitted: false, retryAfterS: Math.max(1, Math.ceil((over.endsAtMs - nowMs) / 1_000)) };
        }
        counted.push(key);
      }
      return { admitted: true, forgive: async () => void (await Promise.all(counted.map(takeBack))) };
    },
  };
}

/** Names are people's: the store need not hold them for this. */
function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}
