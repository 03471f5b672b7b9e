// The ladder (ADR 1): finds evidence about one token's revocation in the order of cost. It never decides.

import { ageMs, type Clock, type Instant } from "../core/clock.ts";
import type { ActiveEvidence, Evidence, RevokedEvidence, UnknownCause } from "../core/evidence.ts";
import type { Observer } from "../core/observer.ts";
import type { Tier } from "../core/tier.ts";
import type { Span } from "../core/tracing.ts";
import { judge } from "./judge.ts";
import type { LookUp, LookUpAnswer } from "./look-up.ts";
import type { ReplicaView } from "./replica/view.ts";
import type { RevocationSubject } from "./subject.ts";
import { createTrouble, isLater, type SeenRevoked, type Trouble } from "./trouble.ts";

/** A revoked answer is reused this long before the store is asked again, so that a lift shows soon. */
const REVOKED_REUSE_MS = 1_000;

/** About 30 MB at the worst; past it unknown tokens lose fail-open (see trouble.ts). */
const MAX_TROUBLED_TOKENS = 100_000;

export interface Guard {
  /**
   * Calls `done` exactly once: before returning where memory answers, otherwise at the latest about `deadlineAtMs`
   * (monotonic clock). `now` must have been read after the Check began.
   */
  judge(
    subject: RevocationSubject,
    tier: Tier,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (evidence: Evidence) => void,
  ): void;
}

export interface GuardOptions {
  readonly lookUp: LookUp;
  readonly clock: Clock;
  readonly observer: Observer;
  /** undefined: there is none, and the store is asked. */
  readonly replica?: ReplicaView | undefined;
  /** When the store was last heard to have changed, where that is heard: no answer asked for before is used again. */
  readonly writtenAt?: () => Instant | undefined;
  /** Bound of the memory of tokens in trouble; MAX_TROUBLED_TOKENS unless a test says otherwise. */
  readonly maxTroubledTokens?: number;
}

export function createGuard(options: GuardOptions): Guard {
  return new StoreGuard(options);
}

class StoreGuard implements Guard {
  readonly #lookUp: LookUp;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #replica: ReplicaView | undefined;
  readonly #writtenAt: () => Instant | undefined;
  readonly #trouble: Trouble;

  constructor({
    lookUp,
    clock,
    observer,
    replica,
    writtenAt = () => undefined,
    maxTroubledTokens = MAX_TROUBLED_TOKENS,
  }: GuardOptions) {
    this.#writtenAt = writtenAt;
    this.#replica = replica;
    this.#lookUp = lookUp;
    this.#clock = clock;
    this.#observer = observer;
    this.#trouble = createTrouble(maxTroubledTokens);
  }

  judge(
    subject: RevocationSubject,
    tier: Tier,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (evidence: Evidence) => void,
  ): void {
    const known = this.#fromReplica(subject, tier, now) ?? this.#fromMemory(subject, tier, now) ?? "ask";
    if (known !== "ask") {
      this.#observer.lookedUp(known.source, known.state, 0);
      return done(known);
    }
    this.#lookUp.lookUp(subject.keys, deadlineAtMs, span, (answer) => {
      const answeredAt = this.#clock.now();
      const evidence = this.#fromAnswerOrBug(subject, answer, now, answeredAt);
      this.#observer.lookedUp("store", evidence.state, answeredAt.monotonicMs - now.monotonicMs);
      done(evidence);
    });
  }

  /** What the replica knows; "ask" where it knows something that only the store can tell the truth about now. */
  #fromReplica(subject: RevocationSubject, tier: Tier, now: Instant): KnownEvidence | "ask" | undefined {
    const replica = this.#replica;
    const position = replica?.position;
    if (replica === undefined || position === undefined) return undefined;
    const judgement = replica.judge(subject);
    if (judgement.state === "active") return this.#activeInReplica(subject, position, tier, now);
    const knownAt = laterOf(position, replica.changedAt);
    // The token's own answer was asked for after all that is known here.
    if (isLater(subject.memory.lastActiveAsOf, knownAt)) return undefined;
    if (judgement.state === "unreadable" || !(ageMs(position, now) < REVOKED_REUSE_MS)) return "ask";
    return this.#revoked(subject, { by: judgement.by, asOf: position, heardAt: knownAt }, now, "replica");
  }

  #activeInReplica(subject: RevocationSubject, position: Instant, tier: Tier, now: Instant): KnownEvidence | undefined {
    if (!(ageMs(position, now) < tier.maxStalenessMs)) return undefined;
    const trouble = this.#trouble;
    if (trouble.size > 0) {
      const seen = trouble.seenRevoked(subject.identity);
      // Seen revoked by an answer asked for since; or unreadable.
      if (seen !== undefined && !isLater(position, seen.heardAt)) return undefined;
      const unreadableAsOf = trouble.seenUnreadable(subject.identity);
      if (unreadableAsOf !== undefined && !isLater(position, unreadableAsOf)) return undefined;
      trouble.settle(subject.identity, position);
    }
    return { state: "active", source: "replica", asOf: position };
  }

  /** The answer this token's own past gives without asking, if it is young enough. */
  #fromMemory(subject: RevocationSubject, tier: Tier, now: Instant): KnownEvidence | undefined {
    const seen = this.#trouble.size === 0 ? undefined : this.#trouble.seenRevoked(subject.identity);
    const asOf = seen?.asOf ?? subject.memory.lastActiveAsOf;
    const writtenAt = this.#writtenAt();
    if (asOf === undefined || (writtenAt !== undefined && !isLater(asOf, writtenAt))) return undefined;
    if (seen !== undefined) return ageMs(asOf, now) < REVOKED_REUSE_MS ? revoked(seen, "recent") : undefined;
    // Strict: 0 s is never answered from memory.
    if (!(ageMs(asOf, now) < tier.maxStalenessMs)) return undefined;
    return { state: "active", source: "recent", asOf };
  }

  /** A bug over one token's data costs that call, not the process: it is answered, and never let through. */
  #fromAnswerOrBug(subject: RevocationSubject, answer: LookUpAnswer, askedAt: Instant, now: Instant): Evidence {
    try {
      return this.#fromAnswer(subject, answer, askedAt, now);
    } catch {
      this.#observer.storeFailed("unreadable");
      return this.#unanswered(subject, "unreadable", askedAt, now);
    }
  }

  #fromAnswer(subject: RevocationSubject, answer: LookUpAnswer, askedAt: Instant, now: Instant): Evidence {
    if (!answer.ok) return this.#fromPartOf(subject, answer, askedAt, now);
    const { asOf } = answer;
    const judgement = judge(subject.kinds, subject.issuedAtS, answer.values);
    switch (judgement.state) {
      case "active":
        return this.#active(subject, asOf, askedAt, now);
      case "revoked":
        return this.#revoked(subject, { by: judgement.by, asOf, heardAt: asOf }, now, "store");
      case "unreadable":
        subject.memory.lastActiveAsOf = undefined;
        this.#trouble.rememberUnreadable(subject, asOf, now);
        this.#observer.storeFailed("unreadable");
        return this.#unanswered(subject, "unreadable", askedAt, now);
    }
  }

  /** A marker that was read stands though another key could not be; that the others are not there proves nothing. */
  #fromPartOf(subject: RevocationSubject, { cause, partly }: Unanswered, askedAt: Instant, now: Instant): Evidence {
    if (partly !== undefined) {
      const { asOf } = partly;
      const judgement = judge(subject.kinds, subject.issuedAtS, partly.values);
      if (judgement.state === "revoked") {
        return this.#revoked(subject, { by: judgement.by, asOf, heardAt: asOf }, now, "store");
      }
      if (judgement.state === "unreadable") this.#trouble.rememberUnreadable(subject, asOf, now);
    }
    return this.#unanswered(subject, cause, askedAt, now);
  }

  /** A late answer never overwrites what a newer one said. */
  #active(subject: RevocationSubject, asOf: Instant, askedAt: Instant, now: Instant): Evidence {
    const news = this.#revokedInReplica(subject);
    if (news !== undefined && isLater(this.#replica?.position, asOf)) {
      return this.#revoked(subject, news, now, "replica");
    }
    const trouble = this.#trouble;
    if (trouble.size > 0) {
      const seen = trouble.seenRevoked(subject.identity);
      if (seen !== undefined && isLater(seen.heardAt, asOf)) return revoked(seen, "recent");
      if (isLater(trouble.seenUnreadable(subject.identity), asOf)) {
        return this.#unanswered(subject, "unreadable", askedAt, now);
      }
      trouble.settle(subject.identity, asOf);
    }
    if (!isLater(subject.memory.lastActiveAsOf, asOf)) subject.memory.lastActiveAsOf = asOf;
    return { state: "active", source: "store", asOf };
  }

  /** Denies this call whatever is known; remembered unless a newer answer has found it lifted. */
  #revoked(
    subject: RevocationSubject,
    seen: SeenRevoked,
    now: Instant,
    source: RevokedEvidence["source"],
  ): RevokedEvidence {
    if (!isLater(subject.memory.lastActiveAsOf, seen.heardAt)) {
      subject.memory.lastActiveAsOf = undefined;
      this.#trouble.rememberRevoked(subject, seen, now);
    }
    return revoked(seen, source);
  }

  /** As the replica knows it, however old that is. */
  #revokedInReplica(subject: RevocationSubject): SeenRevoked | undefined {
    const replica = this.#replica;
    const position = replica?.position;
    if (replica === undefined || position === undefined) return undefined;
    const judgement = replica.judge(subject);
    if (judgement.state !== "revoked") return undefined;
    return { by: judgement.by, asOf: position, heardAt: laterOf(position, replica.changedAt) };
  }

  #unanswered(subject: RevocationSubject, cause: UnknownCause, askedAt: Instant, now: Instant): Evidence {
    const trouble = this.#trouble;
    const seen = trouble.seenRevoked(subject.identity);
    if (seen !== undefined) return revoked(seen, "recent");
    const known = this.#revokedInReplica(subject);
    if (known !== undefined && !isLater(subject.memory.lastActiveAsOf, known.heardAt)) {
      return this.#revoked(subject, known, now, "replica");
    }
    const firstUnansweredAt = trouble.unanswered(subject, askedAt, now);
    return {
      state: "unknown",
      cause: trouble.seenUnreadable(subject.identity) === undefined ? cause : "unreadable",
      lastAnswerAt: this.#lookUp.lastAnswerAt(subject.keys),
      firstUnansweredAt,
    };
  }
}

type Unanswered = Extract<LookUpAnswer, { readonly ok: false }>;

/** Evidence that needed nobody's answer. */
type KnownEvidence = ActiveEvidence | RevokedEvidence;

function laterOf(a: Instant, b: Instant): Instant {
  return isLater(a, b) ? a : b;
}

function revoked(seen: SeenRevoked, source: RevokedEvidence["source"]): RevokedEvidence {
  return { state: "revoked", source, by: seen.by, asOf: seen.asOf };
}
