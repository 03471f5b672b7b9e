// Refresh tokens of one log-in form a line: each is used once and leaves one successor. It tells the next of a line from a
// copy. A lost answer is forgiven for a short while, as long as nobody has used the successor.
import { update, type IdentityStore } from "./store/store.ts";

export type Use =
  /** The newest, for the first time. */
  | "next"
  /** The one before, again within the grace: its answer was lost. The successor it had is replaced. */
  | "grace"
  /** Anything older, replaced or too late: there are two holders, and one of them is a thief. */
  | "reused";

/** Tokens are named by their keys in the store, never by themselves. */
interface Line {
  /** Undefined: its token is being made. */
  readonly newest: string | undefined;
  readonly parent: string | undefined;
  readonly parentUsedAtMs: number;
}

export interface RefreshLines {
  /** Judges a use and takes it down, in one step however many come at the same time. */
  use(line: string, token: string): Promise<Use>;
  /** `token` is the newest of its line from now on. */
  extend(line: string, token: string, expiresAtMs: number): Promise<void>;
}

export function createRefreshLines(store: IdentityStore, graceMs: number, lineTtlMs: number): RefreshLines {
  return {
    async use(line, token) {
      let use: Use = "reused";
      await update(store, `line:${line}`, (value) => {
        const nowMs = Date.now();
        const was = value === undefined ? undefined : (JSON.parse(value) as Line);
        use = judge(was, token, nowMs, graceMs);
        if (use === "reused") return undefined;
        const parentUsedAtMs = use === "next" ? nowMs : (was?.parentUsedAtMs ?? nowMs);
        const will: Line = { newest: undefined, parent: token, parentUsedAtMs };
        return { value: JSON.stringify(will), expiresAtMs: nowMs + lineTtlMs };
      });
      return use;
    },
    async extend(line, token, expiresAtMs) {
      await update(store, `line:${line}`, (value) => {
        const was = value === undefined ? { parent: undefined, parentUsedAtMs: 0 } : (JSON.parse(value) as Line);
        return { value: JSON.stringify({ ...was, newest: token } satisfies Line), expiresAtMs };
      });
    },
  };
}

function judge(line: Line | undefined, token: string, nowMs: number, graceMs: number): Use {
  if (line === undefined) return "reused";
  if (token === line.newest) return "next";
  const isLate = nowMs - line.parentUsedAtMs > graceMs;
  // Without a newest nobody has an answer yet: a crash, or two calls at one time.
  return token === line.parent && (line.newest === undefined || !isLate) ? "grace" : "reused";
}
