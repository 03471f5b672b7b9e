// The ladder of memory and look-up: what may be used again, for how long, and what a late answer may not undo.
import { beforeEach, describe, expect, test } from "vitest";
import type { Instant } from "../../../src/core/clock.ts";
import type { Evidence, UnknownCause } from "../../../src/core/evidence.ts";
import type { Observer } from "../../../src/core/observer.ts";
import type { Tier } from "../../../src/core/tier.ts";
import { createGuard, type Guard } from "../../../src/revocation/guard.ts";
import type { LookUp, LookUpAnswer } from "../../../src/revocation/look-up.ts";
import { subjectOf, type RevocationSubject } from "../../../src/revocation/subject.ts";
import { principalOf } from "../../support/principal.ts";

const critical: Tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
const standard: Tier = { name: "standard", rank: 1, maxStalenessMs: 2_000, failOpenForMs: 0 };
const silent = new Proxy({}, { get: () => () => undefined }) as Observer;
const EXPIRES_AT_S = 1_700_000_600;

let nowMs: number;
let asked: { readonly keys: readonly string[]; readonly answer: (answer: LookUpAnswer) => void }[];
let lastAnswerAt: Instant | undefined;
let guard: Guard;

const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: 1_700_000_000_000 + ms });
const clock = { now: (): Instant => at(nowMs) };
const lookUp: LookUp = {
  lookUp: (keys, _deadlineAtMs, _span, done) => void asked.push({ keys, answer: done }),
  lastAnswerAt: () => lastAnswerAt,
};

beforeEach(() => {
  nowMs = 0;
  asked = [];
  lastAnswerAt = undefined;
  guard = createGuard({ lookUp, clock, observer: silent });
});

const subject = (identity = "t1"): RevocationSubject =>
  subjectOf(principalOf({ expiresAtS: EXPIRES_AT_S }), "", identity, 30_000);

function start(of: RevocationSubject, tier: Tier): { evidence: Evidence | undefined } {
  const seen: { evidence: Evidence | undefined } = { evidence: undefined };
  guard.judge(of, tier, at(nowMs), nowMs + 150, undefined, (evidence) => {
    expect(seen.evidence, "judged once").toBeUndefined();
    seen.evidence = evidence;
  });
  return seen;
}

/** Judges, answering the look-up if one is asked. */
function judged(of: RevocationSubject, tier: Tier, answer: (asOf: Instant) => LookUpAnswer): Evidence {
  const seen = start(of, tier);
  if (seen.evidence === undefined) asked.pop()?.answer(answer(at(nowMs)));
  if (seen.evidence === undefined) throw new Error("not judged");
  return seen.evidence;
}

const nothing = (asOf: Instant): LookUpAnswer => ({ ok: true, asOf, values: [null, null, null, null, null, null] });
const marker = (asOf: Instant): LookUpAnswer => ({ ok: true, asOf, values: ["1", null, null, null, null, null] });
const garbage = (asOf: Instant): LookUpAnswer => ({ ok: true, asOf, values: [null, null, null, "?", null, null] });
const fault = (cause: UnknownCause) => (): LookUpAnswer => ({ ok: false, cause });

describe("what was found active", () => {
  test("is used again while strictly younger than the tier's staleness, and asked for again after that", () => {
    const one = subject();
    expect(judged(one, standard, nothing)).toMatchObject({ state: "active", source: "store" });
    nowMs = 1_999;
    expect(judged(one, standard, marker)).toMatchObject({ state: "active", source: "recent", asOf: at(0) });
    nowMs = 2_000;
    expect(judged(one, standard, marker)).toMatchObject({ state: "revoked", source: "store" });
  });

  test("is not used again once this process has written to its store since, and neither is what was found revoked", () => {
    let writtenAt: Instant | undefined;
    guard = createGuard({ lookUp, clock, observer: silent, writtenAt: () => writtenAt });
    const token = subject();
    judged(token, standard, nothing);
    nowMs = 1;
    expect(judged(token, standard, marker)).toMatchObject({ state: "active", source: "recent" });
    writtenAt = at(1);
    nowMs = 2;
    expect(judged(token, standard, marker)).toMatchObject({ state: "revoked", source: "store" });
    writtenAt = at(2);
    nowMs = 3;
    expect(judged(token, standard, nothing)).toMatchObject({ state: "active", source: "store" });
    expect(judged(token, standard, marker)).toMatchObject({ source: "recent" });
  });

  test("is never used for a tier of 0 s", () => {
    const one = subject();
    judged(one, standard, nothing);
    expect(judged(one, critical, marker)).toMatchObject({ state: "revoked", source: "store" });
  });
});

describe("what was found revoked", () => {
  test("is reused for less than a second, then asked again, so that a lift shows", () => {
    const one = subject();
    judged(one, standard, marker);
    nowMs = 999;
    expect(judged(one, critical, nothing)).toMatchObject({ state: "revoked", source: "recent" });
    nowMs = 1_000;
    expect(judged(one, standard, nothing)).toMatchObject({ state: "active", source: "store" });
    expect(judged(one, standard, marker)).toMatchObject({ state: "active", source: "recent" });
  });

  test("stays revoked while the store cannot be asked, for every copy of the token", () => {
    judged(subject(), standard, marker);
    nowMs = 400_000;
    lastAnswerAt = at(nowMs);
    expect(judged(subject(), standard, fault("timeout"))).toMatchObject({
      state: "revoked",
      source: "recent",
      by: { kind: "token" },
    });
    expect(judged(subject("t2"), standard, fault("timeout"))).toMatchObject({ state: "unknown", cause: "timeout" });
  });
});

describe("a late answer", () => {
  test("that found nothing does not overwrite a newer one that found the token revoked", () => {
    const one = subject();
    const early = start(one, critical);
    const late = start(one, critical);
    asked[1]?.answer(marker(at(10)));
    asked[0]?.answer(nothing(at(5)));
    expect(late.evidence).toMatchObject({ state: "revoked" });
    expect(early.evidence).toMatchObject({ state: "revoked", source: "recent" });
    nowMs = 20;
    expect(judged(one, standard, nothing)).toMatchObject({ state: "revoked", source: "recent" });
  });

  test("that found it revoked does not overwrite a newer one after a lift", () => {
    const one = subject();
    const early = start(one, critical);
    start(one, critical);
    asked[1]?.answer(nothing(at(10)));
    asked[0]?.answer(marker(at(5)));
    expect(early.evidence).toMatchObject({ state: "revoked", source: "store" });
    nowMs = 20;
    expect(judged(one, standard, marker)).toMatchObject({ state: "active", source: "recent", asOf: at(10) });
  });

  test("does not make a newer one older", () => {
    const one = subject();
    start(one, critical);
    start(one, critical);
    asked[1]?.answer(nothing(at(10)));
    asked[0]?.answer(nothing(at(5)));
    expect(one.memory.lastActiveAsOf).toEqual(at(10));
  });
});

describe("an unanswered look-up", () => {
  test("reports the first one since the token's last answer, from when it was asked", () => {
    const one = subject();
    judged(one, critical, nothing);
    nowMs = 100;
    const first = start(one, critical);
    nowMs = 150;
    asked.pop()?.answer({ ok: false, cause: "timeout" });
    expect(first.evidence).toMatchObject({ state: "unknown", firstUnansweredAt: at(100) });
    nowMs = 9_000;
    expect(judged(one, critical, fault("breaker_open"))).toMatchObject({ firstUnansweredAt: at(100) });
    expect(judged(one, critical, nothing)).toMatchObject({ state: "active" });
    nowMs = 10_000;
    expect(judged(one, critical, fault("timeout"))).toMatchObject({ firstUnansweredAt: at(10_000) });
  });

  test("after an unreadable watermark stays unreadable, so that an outage does not open what it had closed", () => {
    const one = subject();
    expect(judged(one, standard, garbage)).toMatchObject({ state: "unknown", cause: "unreadable" });
    expect(judged(one, standard, fault("connection_refused"))).toMatchObject({ state: "unknown", cause: "unreadable" });
    expect(judged(one, standard, nothing)).toMatchObject({ state: "active" });
    expect(judged(one, critical, fault("connection_refused"))).toMatchObject({ cause: "connection_refused" });
  });
});

describe("the memory of tokens in trouble", () => {
  beforeEach(() => {
    guard = createGuard({ lookUp, clock, observer: silent, maxTroubledTokens: 2 });
  });

  test("when full has no grace for tokens it cannot note, and keeps those it has", () => {
    lastAnswerAt = at(0);
    for (const identity of ["a", "b"]) judged(subject(identity), standard, fault("timeout"));
    expect(judged(subject("c"), standard, fault("timeout"))).toMatchObject({
      firstUnansweredAt: { monotonicMs: -Infinity },
    });
    expect(judged(subject("a"), standard, fault("timeout"))).toMatchObject({ firstUnansweredAt: at(0) });
  });

  test("forgets a token once it is dead by itself, and not before", () => {
    for (const identity of ["a", "b"]) judged(subject(identity), standard, marker);
    nowMs = EXPIRES_AT_S * 1_000 - 1_700_000_000_000 + 30_000 + 60_000 - 1;
    expect(judged(subject("a"), standard, fault("timeout"))).toMatchObject({ state: "revoked" });
    nowMs += 1;
    judged(subject("c"), standard, fault("timeout"));
    expect(judged(subject("a"), standard, fault("timeout"))).toMatchObject({ state: "unknown" });
  });

  test("that could not note a revoked token ends the grace of every unknown one", () => {
    for (const identity of ["a", "b", "c"]) judged(subject(identity), standard, marker);
    const lifted = subject("a");
    nowMs = 1_000;
    judged(lifted, standard, nothing);
    expect(judged(subject("c"), standard, fault("timeout"))).toMatchObject({
      state: "unknown",
      firstUnansweredAt: { monotonicMs: -Infinity },
    });
  });
});
