// The table of the one function that may allow: every evidence, age and tier, to the millisecond on both clocks.
import { describe, expect, test } from "vitest";
import type { Instant } from "../../../src/core/clock.ts";
import { decide, decideAnonymous, decideObserved, type Question } from "../../../src/core/decide.ts";
import { UNKNOWN_CAUSES, type Evidence, type UnknownEvidence } from "../../../src/core/evidence.ts";
import type { Possession } from "../../../src/core/possession.ts";
import type { Tier } from "../../../src/core/tier.ts";
import { deny } from "../../../src/core/verdict.ts";
import { principalOf } from "../../support/principal.ts";

const at = (ms: number): Instant => ({ monotonicMs: ms, wallMs: 1_700_000_000_000 + ms });
const critical: Tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
const standard: Tier = { name: "standard", rank: 1, maxStalenessMs: 2_000, failOpenForMs: 0 };
const low: Tier = { name: "low", rank: 2, maxStalenessMs: 30_000, failOpenForMs: 300_000 };

function ask(evidence: Evidence, tier: Tier, more: Partial<Question> = {}): ReturnType<typeof decide> {
  return decide({
    principal: principalOf({ scopes: ["read"] }),
    possession: undefined,
    evidence,
    tier,
    requiredScopes: [],
    beganAt: at(1_000),
    now: at(1_000),
    ...more,
  });
}

describe("an answer that was asked for by this very call", () => {
  test("allows live in every tier", () => {
    for (const tier of [critical, standard, low]) {
      const verdict = ask({ state: "active", source: "store", asOf: at(1_000) }, tier);
      expect(verdict).toMatchObject({ kind: "allow", assurance: "live" });
    }
  });

  test("allows though it took longer than the tier's staleness, for the call began before it was asked", () => {
    const verdict = ask({ state: "active", source: "store", asOf: at(1_001) }, standard, { now: at(9_000) });
    expect(verdict).toMatchObject({ kind: "allow", assurance: "live", stalenessMs: 7_999 });
  });
});

describe("an answer from before the call", () => {
  test("is never good enough for a tier of 0 s, whatever source is claimed", () => {
    for (const source of ["recent", "replica", "store"] as const) {
      expect(ask({ state: "active", source, asOf: at(999) }, critical)).toMatchObject({ reason: "internal_error" });
    }
    expect(ask({ state: "active", source: "recent", asOf: at(1_000) }, critical)).toMatchObject({ kind: "deny" });
  });

  test("is good while strictly younger than the tier's staleness", () => {
    const evidence: Evidence = { state: "active", source: "recent", asOf: at(1_000) };
    expect(ask(evidence, standard, { now: at(2_999) })).toMatchObject({ kind: "allow", assurance: "recent" });
    expect(ask(evidence, standard, { now: at(3_000) })).toMatchObject({ kind: "deny", reason: "internal_error" });
  });

  test("is old after a suspend that only the wall clock saw", () => {
    const evidence: Evidence = { state: "active", source: "recent", asOf: at(1_000) };
    const now = { monotonicMs: 1_001, wallMs: at(61_000).wallMs };
    expect(ask(evidence, low, { now })).toMatchObject({ kind: "deny" });
  });
});

describe("no answer", () => {
  const unknown: UnknownEvidence = {
    state: "unknown",
    cause: "timeout",
    lastAnswerAt: at(0),
    firstUnansweredAt: at(500),
  };

  test("is refused by every tier without failOpenFor", () => {
    expect(ask(unknown, critical)).toMatchObject({ reason: "revocation_unavailable" });
    expect(ask(unknown, standard)).toMatchObject({ reason: "revocation_unavailable" });
  });

  test("is let through, marked, while both the store's last answer and the first unanswered look-up are in the grace", () => {
    expect(ask(unknown, low)).toMatchObject({ kind: "allow", assurance: "fail-open", stalenessMs: 1_000 });
    expect(ask(unknown, low, { now: at(299_999) })).toMatchObject({ kind: "allow" });
    expect(ask(unknown, low, { now: at(300_000) })).toMatchObject({ reason: "revocation_unavailable" });
    expect(ask({ ...unknown, firstUnansweredAt: at(-300_000) }, low)).toMatchObject({ kind: "deny" });
  });

  test("is refused where the store never answered", () => {
    expect(ask({ ...unknown, lastAnswerAt: undefined }, low)).toMatchObject({ reason: "revocation_unavailable" });
  });

  test("never opens the door for an unreadable watermark or for load", () => {
    const verdicts = UNKNOWN_CAUSES.map((cause) => [cause, ask({ ...unknown, cause }, low).kind] as const);
    const refused = verdicts.filter(([, kind]) => kind === "deny").map(([cause]) => cause);
    expect(refused).toEqual(["unreadable", "overloaded"]);
    expect(ask({ ...unknown, cause: "overloaded" }, low)).toMatchObject({ reason: "overloaded" });
  });
});

test("revoked is a denial in every tier, and says nothing of scopes", () => {
  const by = { kind: "user", revocationId: "r1" } as const;
  const verdict = ask({ state: "revoked", source: "store", by, asOf: at(1_000) }, low, { requiredScopes: ["admin"] });
  expect(verdict).toEqual({ kind: "deny", reason: "revoked", revokedBy: by, requiredScopes: undefined });
});

test("a missing scope is refused with every scope the route asks for, on live, recent and fail-open alike", () => {
  const requiredScopes = ["read", "admin"];
  const expected = { kind: "deny", reason: "insufficient_scope", requiredScopes };
  expect(ask({ state: "active", source: "store", asOf: at(1_000) }, low, { requiredScopes })).toMatchObject(expected);
  expect(ask({ state: "active", source: "recent", asOf: at(999) }, low, { requiredScopes })).toMatchObject(expected);
  const unknown = { state: "unknown", cause: "timeout", lastAnswerAt: at(0), firstUnansweredAt: at(0) } as const;
  expect(ask(unknown, low, { requiredScopes })).toMatchObject(expected);
});

test("a scope that the token has is no scope that it lacks", () => {
  const verdict = ask({ state: "active", source: "store", asOf: at(1_000) }, low, { requiredScopes: ["read"] });
  expect(verdict).toMatchObject({ kind: "allow", assurance: "live" });
});

test("the grace is over for a token whose first unanswered look-up is as long ago, though the store answered others", () => {
  const unknown = { state: "unknown", cause: "timeout", lastAnswerAt: at(300_999) } as const;
  const now = { now: at(301_000) };
  expect(ask({ ...unknown, firstUnansweredAt: at(1_001) }, low, now)).toMatchObject({ assurance: "fail-open" });
  expect(ask({ ...unknown, firstUnansweredAt: at(1_000) }, low, now)).toMatchObject({ kind: "deny" });
});

test("an anonymous allow carries no principal", () => {
  expect(decideAnonymous()).toEqual({
    kind: "allow",
    assurance: "anonymous",
    principal: undefined,
    stalenessMs: undefined,
  });
});

describe("a token that its issuer had to be asked about", () => {
  const live: Evidence = { state: "active", source: "store", asOf: at(1_000) };
  const recent: Evidence = { state: "active", source: "recent", asOf: at(500) };
  const out: UnknownEvidence = {
    state: "unknown",
    cause: "timeout",
    lastAnswerAt: at(900),
    firstUnansweredAt: at(950),
  };
  const said = (asOfMs: number, isUnanswered = false, goodForMs?: number): Partial<Question> => ({
    principal: principalOf({ assertion: { asOf: at(asOfMs), isUnanswered, goodForMs } }),
  });

  test("is refused for what the store says of it, whatever its issuer's word is worth", () => {
    const by = { kind: "token", revocationId: undefined } as const;
    const revoked: Evidence = { state: "revoked", source: "store", by, asOf: at(1_000) };
    expect(ask(revoked, critical, said(-100_000))).toMatchObject({ kind: "deny", reason: "revoked" });
  });

  test("is refused once its issuer's word is as old as it is good for, and it was not asked again", () => {
    expect(ask(live, low, said(0, false, 1_001))).toMatchObject({ kind: "allow" });
    expect(ask(live, low, said(0, false, 1_000))).toMatchObject({ kind: "deny", reason: "internal_error" });
    expect(ask(live, low, { ...said(1_000, false, 500), now: at(2_000) })).toMatchObject({ kind: "deny" });
  });

  test.each([
    ["both asked for this call", live, critical, said(1_000), { assurance: "live" }],
    ["the store asked now, the issuer before", live, standard, said(0), { assurance: "recent", stalenessMs: 1_000 }],
    [
      "the issuer asked now, the store before",
      recent,
      standard,
      said(1_000),
      { assurance: "recent", stalenessMs: 500 },
    ],
    ["the store out, the issuer asked now", out, low, said(1_000), { assurance: "fail-open", stalenessMs: 100 }],
    ["the issuer out", live, low, said(-100_000, true), { assurance: "fail-open", stalenessMs: 101_000 }],
    [
      "its word good for a minute, in a tier of 0 s",
      live,
      critical,
      said(-58_000, false, 60_000),
      { assurance: "live" },
    ],
    [
      "its word good for so long, though none came since",
      live,
      critical,
      said(-58_000, true, 60_000),
      { assurance: "live" },
    ],
    ["its word no longer good, within the grace", live, low, said(-60_000, true, 60_000), { assurance: "fail-open" }],
    ["the issuer out, its last word young enough", live, low, said(0, true), { assurance: "recent" }],
  ])("is let in as on the weaker of two answers: %s", (_what, evidence, tier, more, expected) => {
    expect(ask(evidence, tier, more)).toMatchObject({ kind: "allow", ...expected });
  });

  test.each([
    ["the issuer out", live, critical, said(999, true), "keys_unavailable"],
    ["the issuer out, past the grace", live, low, said(-299_000, true), "keys_unavailable"],
    ["the issuer out, and no grace", live, standard, said(-1_000, true), "keys_unavailable"],
    ["its word no longer good, and no grace", live, standard, said(-60_000, true, 60_000), "keys_unavailable"],
    [
      "its word no longer good, and nobody asked again: a bug",
      live,
      low,
      said(-60_000, false, 60_000),
      "internal_error",
    ],
    ["the store out, and no grace", out, standard, said(1_000), "revocation_unavailable"],
    ["an old word that nobody asked for again: a bug", live, standard, said(-1_000), "internal_error"],
    ["a word from before the call, in a tier of 0 s: a bug", live, critical, said(999), "internal_error"],
  ])("is refused: %s", (_what, evidence, tier, more, reason) => {
    expect(ask(evidence, tier, more)).toMatchObject({ kind: "deny", reason });
  });

  test("is refused for lack of a scope whatever its issuer said when", () => {
    const more = { ...said(1_000), requiredScopes: ["write"] };
    expect(ask(live, critical, more)).toMatchObject({ kind: "deny", reason: "insufficient_scope" });
  });
});

describe("a principal that is bound to a key", () => {
  const confirmation = { jkt: "k".repeat(43), x5tS256: undefined };
  const good: Evidence = { state: "active", source: "store", asOf: at(1_000) };
  const bound = principalOf({ confirmation });

  test("is never let through without the proof of that very binding", () => {
    const ofAnother = { of: { ...confirmation }, nextNonce: undefined } as Possession;
    for (const possession of [undefined, ofAnother]) {
      expect(ask(good, low, { principal: bound, possession })).toMatchObject({
        kind: "deny",
        reason: "internal_error",
      });
    }
    const own = { of: confirmation, nextNonce: undefined } as Possession;
    expect(ask(good, low, { principal: bound, possession: own })).toMatchObject({ kind: "allow" });
  });

  test("whoever is bound to nothing proves nothing", () => {
    const possession = { of: confirmation, nextNonce: undefined } as Possession;
    expect(ask(good, low, { possession })).toMatchObject({ kind: "deny", reason: "internal_error" });
  });
});

test("what is only observed names nobody and goes with its refusal", () => {
  const refusal = deny("revoked");
  expect(decideObserved(refusal)).toEqual({
    kind: "allow",
    assurance: "observed",
    principal: undefined,
    stalenessMs: undefined,
    observed: refusal,
  });
});
