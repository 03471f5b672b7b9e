// The tokens of one run, and which of them is worth calling with now. Every id is the run's own, so that no run knows
// another's.

import type { Random } from "../support/random.ts";
import type { TokenFacts } from "./history.ts";
import type { ChaosIssuer } from "./issuer.ts";

export interface RunToken {
  readonly facts: TokenFacts;
  readonly text: string;
}

export interface TokenPool {
  readonly all: readonly RunToken[];
  /** Mints more, with whatever key the issuer signs with now. */
  mint(count: number): readonly RunToken[];
  /** As `mint`, but none of these is for `takeUntouched`. */
  mintTaken(count: number): readonly RunToken[];
  /** Often one that was revoked lately, for that is where the promise may break. */
  pick(random: Random): RunToken;
  /** Nobody has picked it to be revoked before. undefined: none is left. */
  takeUntouched(): RunToken | undefined;
  /** From now on it is called with more often. */
  watch(token: RunToken): void;
}

const WATCHED_COUNT = 12;
const WATCHED_RATIO = 0.6;
/** So many share a user, a tenant or a client. */
const SHARED_BY = 3;

export function createTokenPool(run: string, issuer: ChaosIssuer): TokenPool {
  const all: RunToken[] = [];
  const watched: RunToken[] = [];
  const untouched: RunToken[] = [];

  function mintTaken(count: number): readonly RunToken[] {
    const minted = Array.from({ length: count }, (_, i) => {
      const n = all.length + i;
      const group = Math.floor(n / SHARED_BY);
      const facts = {
        jti: `${run}-t${n}`,
        sid: `${run}-s${n}`,
        sub: `${run}-u${group}`,
        tenant: `${run}-n${group}`,
        clientId: `${run}-c${group}`,
        iatS: Math.floor(Date.now() / 1_000),
      };
      return { facts, text: issuer.sign(facts) };
    });
    all.push(...minted);
    return minted;
  }

  return {
    all,
    mint(count) {
      const minted = mintTaken(count);
      // One of each second group: no revocation hides another's loss, and there is always somebody to be let in.
      untouched.push(...minted.filter((_, i) => (all.length - count + i) % (2 * SHARED_BY) === 0));
      return minted;
    },
    mintTaken,
    pick(random) {
      const recent = watched.slice(-WATCHED_COUNT);
      return random.pick(recent.length > 0 && random.chance(WATCHED_RATIO) ? recent : all);
    },
    takeUntouched: () => untouched.shift(),
    watch: (token) => void watched.push(token),
  };
}
