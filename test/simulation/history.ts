// What truly happened, and the guarantee held against every allow. Knows true time, no clock.

import type { Tier } from "../../src/core/tier.ts";
import type { TargetKind } from "../../src/core/target.ts";
import type { Verdict } from "../../src/core/verdict.ts";

/** One thing at one key that forbids tokens: a marker, a watermark, or a watermark nobody can read. */
export interface Ban {
  readonly key: string;
  readonly kind: TargetKind;
  /** Tokens issued before it die; Infinity: all of them. Epoch seconds. */
  readonly issuedBeforeS: number;
  readonly unreadable: boolean;
  readonly appliedMs: number;
  /** Infinity: never acknowledged, so nothing is promised. */
  ackMs: number;
  /** When the store lost it by a lift or an overwrite; Infinity: it stands. */
  endedMs: number;
}

/** What the simulation knows of one token. */
export interface SimToken {
  readonly identity: string;
  readonly keys: readonly string[];
  readonly issuedAtS: number;
  /** `asOf` of the newest answer that found it revoked, with none newer that did not; undefined: there is none. */
  revokedAsOf: number | undefined;
  /** `asOf` of the newest answer that found nothing. */
  activeAsOf: number;
  /** Begin of the first Check left without an answer since the last answer; undefined: none. */
  firstUnansweredMs: number | undefined;
}

export interface CheckRecord {
  readonly token: SimToken;
  readonly tier: Tier;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly verdict: Verdict;
  /** Of the evidence, on the process's monotonic clock; undefined: there was no answer. */
  readonly asOf: number | undefined;
  /** It rests on what the store or the replica says now, not on the token's own past. */
  readonly isFresh: boolean;
  readonly lastAnsweredQuestionMs: number;
  /** The store had been answering, and the process running, without a fault all this time and well before. */
  readonly calm: boolean;
  /** The store, and the way to it, had been without a fault all this time and well before. */
  readonly storeIsFine: boolean;
}

/** A revoked answer may be reused for this long, plus the slowest calm round trip. */
const REVOKED_REUSE_MS = 1_000 + 200;

export interface History {
  add(ban: Ban): void;
  endAll(key: string, atMs: number): void;
  /** What forbids tokens at `key` now. */
  standing(key: string): readonly Ban[];
  /** A sentence about the first broken promise, or undefined. Also takes notes for later checks. */
  judge(record: CheckRecord): string | undefined;
}

export function createHistory(): History {
  const bans = new Map<string, Ban[]>();

  const bansOn = (token: SimToken): Ban[] =>
    token.keys.flatMap((key) => bans.get(key) ?? []).filter((ban) => token.issuedAtS < ban.issuedBeforeS);

  function brokenAllow(record: CheckRecord): string | undefined {
    const { token, tier, beganMs, endedMs, verdict } = record;
    if (verdict.kind !== "allow") return undefined;
    if (verdict.assurance === "fail-open") return brokenFailOpen(record);
    for (const ban of bansOn(token)) {
      const promised = ban.ackMs + tier.maxStalenessMs < beganMs && ban.endedMs > endedMs;
      if (promised) {
        return (
          `${verdict.assurance} allow of ${token.identity} in ${tier.name} began at ${beganMs}, ` +
          `though ${ban.key} was acknowledged at ${ban.ackMs}`
        );
      }
    }
    return undefined;
  }

  function brokenFailOpen(record: CheckRecord): string | undefined {
    const { token, tier, endedMs, lastAnsweredQuestionMs, storeIsFine } = record;
    const who = `fail-open allow of ${token.identity} in ${tier.name} at ${endedMs}`;
    if (storeIsFine) return `${who}: the store was there, and only we were slow`;
    if (tier.failOpenForMs === 0) return `${who}: the tier has none`;
    if (!(endedMs - lastAnsweredQuestionMs < tier.failOpenForMs)) return `${who}: the store's last answer is too old`;
    if (token.revokedAsOf !== undefined) return `${who}: it was seen revoked`;
    const first = token.firstUnansweredMs;
    if (first !== undefined && !(endedMs - first < tier.failOpenForMs)) return `${who}: unanswered since ${first}`;
    return undefined;
  }

  /** In calm weather nobody is refused for nothing. */
  function brokenDenial(record: CheckRecord): string | undefined {
    const { token, verdict, calm, beganMs, endedMs } = record;
    if (verdict.kind !== "deny" || !calm) return undefined;
    const stood = bansOn(token).filter((ban) => ban.appliedMs <= endedMs && ban.endedMs > beganMs - REVOKED_REUSE_MS);
    const expected = verdict.reason === "revoked" ? stood.length > 0 : stood.some((ban) => ban.unreadable);
    return expected ? undefined : `${token.identity} refused (${verdict.reason}) at ${endedMs} for nothing`;
  }

  function note({ token, verdict, asOf, isFresh, beganMs }: CheckRecord): void {
    if (asOf === undefined) {
      token.firstUnansweredMs ??= beganMs;
    } else if (verdict.kind === "deny" && verdict.reason === "revoked") {
      token.firstUnansweredMs = undefined;
      if (asOf >= token.activeAsOf) token.revokedAsOf = Math.max(asOf, token.revokedAsOf ?? asOf);
    } else if (verdict.kind === "allow" && isFresh) {
      token.firstUnansweredMs = undefined;
      token.activeAsOf = Math.max(token.activeAsOf, asOf);
      if (token.revokedAsOf !== undefined && asOf >= token.revokedAsOf) token.revokedAsOf = undefined;
    }
  }

  return {
    add: (ban) => void (bans.get(ban.key)?.push(ban) ?? bans.set(ban.key, [ban])),
    endAll(key, atMs) {
      for (const ban of bans.get(key) ?? []) ban.endedMs = Math.min(ban.endedMs, atMs);
    },
    standing: (key) => (bans.get(key) ?? []).filter((ban) => ban.endedMs === Infinity),
    judge(record) {
      const broken = brokenAllow(record) ?? brokenDenial(record);
      note(record);
      return broken;
    },
  };
}
