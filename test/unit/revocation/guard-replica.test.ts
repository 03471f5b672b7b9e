// The replica's place in the ladder: what it may answer, and what only the store may.
import { beforeEach, expect, test } from "vitest";
import type { Instant } from "../../../src/core/clock.ts";
import type { Evidence } from "../../../src/core/evidence.ts";
import type { Observer } from "../../../src/core/observer.ts";
import type { Tier } from "../../../src/core/tier.ts";
import { createGuard, type Guard } from "../../../src/revocation/guard.ts";
import type { Judgement } from "../../../src/revocation/judge.ts";
import type { LookUpAnswer } from "../../../src/revocation/look-up.ts";
import { subjectOf } from "../../../src/revocation/subject.ts";
import { principalOf } from "../../support/principal.ts";

const critical: Tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
const standard: Tier = { name: "standard", rank: 1, maxStalenessMs: 2_000, failOpenForMs: 0 };
/** What the observer hears, by name. */
let heard: (readonly unknown[])[];
const observer = new Proxy(
  {},
  {
    get:
      (_, name) =>
      (...facts: unknown[]) =>
        void heard.push([name, ...facts]),
  },
) as Observer;
const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: 1_700_000_000_000 + ms });
const REVOKED: Judgement = { state: "revoked", by: { kind: "token", revocationId: undefined } };
const ACTIVE: Judgement = { state: "active" };

let nowMs: number;
let answer: (asOf: Instant) => LookUpAnswer;
let askedCount: number;
let replica: { position: Instant | undefined; changedAt: Instant; judgement: Judgement };
let guard: Guard;
let subject: ReturnType<typeof subjectOf>;

const nothing = (asOf: Instant): LookUpAnswer => ({ ok: true, asOf, values: [null, null, null, null, null, null] });
const found =
  (value: string, place: number) =>
  (asOf: Instant): LookUpAnswer => {
    return { ok: true, asOf, values: [null, null, null, null, null, null].with(place, value as never) };
  };
const out = (): LookUpAnswer => ({ ok: false, cause: "timeout" });

beforeEach(() => {
  nowMs = 10_000;
  heard = [];
  askedCount = 0;
  answer = nothing;
  replica = { position: at(9_500), changedAt: at(0), judgement: ACTIVE };
  subject = subjectOf(principalOf({}), "", "t1", 0);
  guard = createGuard({
    clock: { now: () => at(nowMs) },
    observer,
    lookUp: {
      lookUp(_keys, _deadline, _span, done) {
        askedCount += 1;
        done(answer(at(nowMs)));
      },
      lastAnswerAt: () => undefined,
    },
    replica: {
      get position() {
        return replica.position;
      },
      get changedAt() {
        return replica.changedAt;
      },
      judge: () => replica.judgement,
    },
  });
});

function judged(tier: Tier): Evidence {
  let evidence: Evidence | undefined;
  guard.judge(subject, tier, at(nowMs), nowMs + 150, undefined, (judgement) => void (evidence = judgement));
  if (evidence === undefined) throw new Error("not judged");
  return evidence;
}

test("a miss counts as of the position, where the tier takes one so old, and the store is not asked", () => {
  expect(judged(standard)).toEqual({ state: "active", source: "replica", asOf: at(9_500) });
  expect(askedCount).toBe(0);
});

test("a critical call asks all the same, and so does everyone once the position is too old or there is none", () => {
  expect(judged(critical)).toMatchObject({ source: "store" });
  subject.memory.lastActiveAsOf = undefined;
  replica.position = at(8_000);
  expect(judged(standard)).toMatchObject({ source: "store" });
  subject.memory.lastActiveAsOf = undefined;
  replica.position = undefined;
  expect(judged(standard)).toMatchObject({ source: "store" });
});

test("what is known revoked is refused in every tier without asking", () => {
  replica.judgement = REVOKED;
  for (const tier of [critical, standard]) expect(judged(tier)).toMatchObject({ state: "revoked", source: "replica" });
  expect(askedCount).toBe(0);
});

test("a replica that is cut off refuses nobody whom the store lets through, and stands while the store is out", () => {
  replica = { position: at(5_000), changedAt: at(5_000), judgement: REVOKED };
  expect(judged(critical)).toMatchObject({ state: "active", source: "store" });
  subject.memory.lastActiveAsOf = undefined;
  answer = out;
  expect(judged(standard)).toMatchObject({ state: "revoked", source: "replica" });
});

test("the token's own young answer is not used over a revocation heard since", () => {
  expect(judged(critical)).toMatchObject({ state: "active" }); // its own answer is of now
  nowMs += 500;
  replica = { position: at(9_000), changedAt: at(10_200), judgement: REVOKED };
  answer = out;
  expect(judged(standard)).toMatchObject({ state: "revoked" });
});

test("a lift heard by the replica ends what was seen revoked, once its position is later than that", () => {
  replica.judgement = REVOKED;
  replica.changedAt = at(9_900);
  expect(judged(standard)).toMatchObject({ state: "revoked" });
  replica = { position: at(10_000), changedAt: at(10_000), judgement: ACTIVE };
  expect(judged(standard)).toEqual({ state: "active", source: "replica", asOf: at(10_000) });
});

test("what only the store can read is asked for", () => {
  replica.judgement = { state: "unreadable", kind: "user" };
  judged(standard);
  expect(askedCount).toBe(1);
});

test("what is known revoked is asked for again once the position is a second old, and not a moment before", () => {
  replica = { position: at(9_001), changedAt: at(0), judgement: REVOKED };
  expect(judged(standard)).toMatchObject({ state: "revoked", source: "replica" });
  replica.position = at(9_000);
  expect(judged(standard)).toMatchObject({ state: "active", source: "store" });
});

test("the store's later word on this very token counts over what the replica heard before it, and not over what came after", () => {
  judged(critical);
  nowMs += 100;
  replica = { position: at(9_900), changedAt: at(9_950), judgement: REVOKED };
  expect(judged(standard)).toMatchObject({ state: "active", source: "recent" });
  replica = { position: at(9_900), changedAt: at(10_001), judgement: REVOKED };
  expect(judged(standard)).toMatchObject({ state: "revoked", source: "replica" });
});

test("an answer of the store that was asked before the replica's position does not overwrite its revocation", () => {
  answer = () => {
    replica = { position: at(10_001), changedAt: at(10_001), judgement: REVOKED };
    return nothing(at(10_000));
  };
  expect(judged(critical)).toMatchObject({ state: "revoked", source: "replica", asOf: at(10_001) });
  expect(heard).toContainEqual(["lookedUp", "store", "revoked", 0]);
});

test("an answer of the store that was asked before the replica's position is good where neither knows of a revocation", () => {
  answer = () => {
    replica.position = at(10_001);
    return nothing(at(10_000));
  };
  expect(judged(critical)).toEqual({ state: "active", source: "store", asOf: at(10_000) });
});

test("a token that the store found revoked is not active by a position from before that", () => {
  replica.position = at(9_999);
  answer = found("1", 0);
  expect(judged(critical)).toMatchObject({ state: "revoked", source: "store" });
  expect(judged(standard)).toMatchObject({ state: "revoked", source: "recent" });
  replica.position = at(10_001);
  nowMs += 10;
  expect(judged(standard)).toEqual({ state: "active", source: "replica", asOf: at(10_001) });
  answer = out;
  expect(judged(critical)).toMatchObject({ state: "unknown", cause: "timeout" }); // what was seen before is settled
});

test("a token whose marker nobody could read is not active by a position from before that", () => {
  replica.position = at(9_999);
  answer = found("?", 3);
  expect(judged(critical)).toMatchObject({ state: "unknown", cause: "unreadable" });
  expect(heard).toContainEqual(["storeFailed", "unreadable"]);
  expect(judged(standard)).toMatchObject({ state: "unknown", cause: "unreadable" });
  expect(askedCount).toBe(2);
  replica.position = at(10_001);
  nowMs += 10;
  expect(judged(standard)).toMatchObject({ state: "active", source: "replica" });
});

test("a late answer that found nothing does not hide a marker that a newer one could not read", () => {
  const asked: ((given: LookUpAnswer) => void)[] = [];
  guard = createGuard({
    clock: { now: () => at(nowMs) },
    observer,
    lookUp: { lookUp: (_keys, _deadline, _span, done) => void asked.push(done), lastAnswerAt: () => undefined },
  });
  const told: Evidence[] = [];
  for (let i = 0; i < 2; i += 1) {
    guard.judge(subject, critical, at(nowMs), nowMs + 150, undefined, (evidence) => void told.push(evidence));
  }
  asked[1]?.(found("?", 3)(at(10_010)));
  asked[0]?.(nothing(at(10_005)));
  expect(told.map(({ state }) => state)).toEqual(["unknown", "unknown"]);
});

test("of an answer in part, a marker that was read revokes, one that nobody can read is remembered, and nothing else is told", () => {
  replica.position = undefined;
  const partly =
    (value: string | null, place: number) =>
    (asOf: Instant): LookUpAnswer => ({
      ok: false,
      cause: "moved",
      partly: { asOf, values: [null, null, null, null, null, null].with(place, value as never) },
    });
  answer = partly(null, 0);
  expect(judged(critical)).toMatchObject({ state: "unknown", cause: "moved" });
  answer = partly("?", 3);
  expect(judged(critical)).toMatchObject({ state: "unknown", cause: "unreadable" });
  answer = partly("1", 0);
  const by = { kind: "token", revocationId: undefined };
  expect(judged(critical)).toEqual({ state: "revoked", source: "store", by, asOf: at(10_000) });
  answer = out;
  expect(judged(critical)).toMatchObject({ state: "revoked", source: "recent" });
});

test("a bug over one token's data is that call's unknown, counted, and never an allow", () => {
  replica.position = undefined;
  answer = () => ({ ok: true, asOf: at(nowMs), values: undefined as never });
  expect(judged(critical)).toMatchObject({ state: "unknown", cause: "unreadable" });
  expect(heard).toContainEqual(["storeFailed", "unreadable"]);
});

test("every answer is told to who counts: from where, what, and how long it took", () => {
  judged(standard);
  replica.position = undefined;
  answer = (asOf) => {
    nowMs += 7;
    return nothing(asOf);
  };
  judged(standard);
  judged(standard);
  expect(heard).toEqual([
    ["lookedUp", "replica", "active", 0],
    ["lookedUp", "store", "active", 7],
    ["lookedUp", "recent", "active", 0],
  ]);
});

test("without a replica, what was not answered is unknown since its first time, and what once was revoked stays it", () => {
  guard = createGuard({
    clock: { now: () => at(nowMs) },
    observer,
    lookUp: { lookUp: (_keys, _deadline, _span, done) => done(answer(at(nowMs))), lastAnswerAt: () => at(1) },
  });
  answer = out;
  expect(judged(critical)).toEqual({
    state: "unknown",
    cause: "timeout",
    lastAnswerAt: at(1),
    firstUnansweredAt: at(10_000),
  });
  nowMs += 50;
  expect(judged(critical)).toMatchObject({ firstUnansweredAt: at(10_000) });
});

test("a replica without a position says nothing, even while the store is out", () => {
  replica = { position: undefined, changedAt: at(9_000), judgement: REVOKED };
  answer = out;
  expect(judged(standard)).toMatchObject({ state: "unknown", cause: "timeout" });
});

test("an old revocation of the replica's does not stand over the store's later word, while the store is out", () => {
  judged(critical);
  nowMs += 5_000;
  replica = { position: at(9_000), changedAt: at(9_000), judgement: REVOKED };
  answer = out;
  expect(judged(critical)).toMatchObject({ state: "unknown" });
  replica.judgement = ACTIVE;
  expect(judged(critical)).toMatchObject({ state: "unknown" });
});
