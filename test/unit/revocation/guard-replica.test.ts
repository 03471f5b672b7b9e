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
const silent = new Proxy({}, { get: () => () => undefined }) as Observer;
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
const out = (): LookUpAnswer => ({ ok: false, cause: "timeout" });

beforeEach(() => {
  nowMs = 10_000;
  askedCount = 0;
  answer = nothing;
  replica = { position: at(9_500), changedAt: at(0), judgement: ACTIVE };
  subject = subjectOf(principalOf({}), "", "t1", 0);
  guard = createGuard({
    clock: { now: () => at(nowMs) },
    observer: silent,
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
  guard.judge(subject, tier, at(nowMs), nowMs + 150, undefined, (found) => void (evidence = found));
  if (evidence === undefined) throw new Error("not judged");
  return evidence;
}

test("a miss counts as of the position, where the tier takes one so old, and the store is not asked", () => {
  expect(judged(standard)).toEqual({ state: "active", source: "replica", asOf: at(9_500) });
  expect(askedCount).toBe(0);
});

test("a critical call asks all the same, and so does everyone once the position is too old or there is none", () => {
  expect(judged(critical)).toMatchObject({ source: "store" });
  subject.lastActiveAsOf = undefined;
  replica.position = at(8_000);
  expect(judged(standard)).toMatchObject({ source: "store" });
  subject.lastActiveAsOf = undefined;
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
  subject.lastActiveAsOf = undefined;
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
