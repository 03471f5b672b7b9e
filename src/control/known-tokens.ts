// Remembers whose tokens were found good lately, so that they need not compete with strangers for being looked at. It
// says nothing about whether one still is good: every call is authenticated anew.

import { hash } from "node:crypto";

export interface KnownTokens {
  /** The caller whose `token` it was when it was last found good; undefined: never, or not lately. */
  callerOf(token: string): string | undefined;
  remember(token: string, caller: string): void;
  forget(token: string): void;
}

/** Keeps at most `maxCount`, by their hashes; the one remembered first makes room. */
export function createKnownTokens(maxCount: number): KnownTokens {
  const callers = new Map<string, string>();
  return {
    callerOf: (token) => callers.get(digest(token)),
    remember(token, caller) {
      const key = digest(token);
      callers.delete(key); // back in at the end: the Map's order is that of last use
      callers.set(key, caller);
      const oldest = callers.keys().next();
      if (callers.size > maxCount && oldest.done !== true) callers.delete(oldest.value);
    },
    forget: (token) => void callers.delete(digest(token)),
  };
}

function digest(token: string): string {
  return hash("sha256", token, "base64url");
}
