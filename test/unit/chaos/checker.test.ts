// The checker against histories made by hand: what breaks the promise is found, and nothing else is.

import { describe, expect, test } from "vitest";
import { check } from "../../chaos/checker.ts";
import type { Call, Disturbance, History, Revocation, TokenFacts } from "../../chaos/history.ts";

const TOKEN: TokenFacts = { jti: "t1", sid: "s1", sub: "ada", tenant: "acme", clientId: "shop", iatS: 1_000 };
const TIERS = {
  critical: { maxStalenessMs: 0, failOpenForMs: 0 },
  standard: { maxStalenessMs: 1_000, failOpenForMs: 0 },
  low: { maxStalenessMs: 2_000, failOpenForMs: 1_500 },
};

const REVOKED: Revocation = {
  kind: "token",
  id: "t1",
  key: "revoked:jti:main:t1",
  sentAtMs: 990,
  ackedAtMs: 1_000,
  durability: "stored",
  wasKept: true,
};

/** An answer in a fiftieth of a second. */
function call(beganAtMs: number, more: Partial<Call>): Call {
  return {
    token: TOKEN,
    tier: "critical",
    beganAtMs,
    endedAtMs: beganAtMs + 20,
    decision: "allow",
    assurance: "live",
    reason: "ok",
    decidedBy: "a0",
    ...more,
  };
}

const refused = (beganAtMs: number, more: Partial<Call> = {}): Call =>
  call(beganAtMs, { decision: "deny", assurance: "none", reason: "revoked", ...more });
const failedOpen = (beganAtMs: number, more: Partial<Call> = {}): Call =>
  call(beganAtMs, { tier: "low", assurance: "fail-open", ...more });

interface Given {
  readonly revocations?: readonly Revocation[];
  readonly calls?: readonly Call[];
  readonly disturbances?: readonly Disturbance[];
  readonly healedAtMs?: number | undefined;
}

function violations({ revocations = [REVOKED], calls = [], disturbances = [], ...rest }: Given): readonly string[] {
  const history: History = { tiers: TIERS, revocations, calls, disturbances, healedAtMs: 90_000, ...rest };
  return check(history).violations;
}

describe("an allow that ignores what was acknowledged", () => {
  test.each<[title: string, calls: readonly Call[], expected: number]>([
    ["began a millisecond after the acknowledgement, where the store is asked each time", [call(1_001, {})], 1],
    ["began before it", [call(999, {})], 0],
    ["began within the tier's staleness", [call(1_999, { tier: "standard", assurance: "recent" })], 0],
    ["began after the tier's staleness", [call(2_001, { tier: "standard", assurance: "recent" })], 1],
    ["is called live in a tier that may be stale, and is", [call(2_001, { tier: "standard" })], 1],
    ["is of another token", [call(5_000, { token: { ...TOKEN, jti: "t2" } })], 0],
  ])("%s", (_, calls, expected) => {
    expect(violations({ calls })).toHaveLength(expected);
  });

  test("is nobody's fault while nothing was acknowledged", () => {
    const { ackedAtMs: _, ...unacknowledged } = REVOKED;
    expect(violations({ revocations: [unacknowledged], calls: [call(5_000, {})] })).toEqual([]);
  });

  test("is none once a lift has been sent, and is one before", () => {
    const revocations = [{ ...REVOKED, liftSentAtMs: 4_000 }];
    expect(violations({ revocations, calls: [call(3_990, {}), call(5_000, {})] })).toEqual([]);
    expect(violations({ revocations, calls: [call(3_000, {})] })).toHaveLength(1);
  });

  test.each(["user", "session", "tenant", "client"] as const)("is found for a %s, too", (kind) => {
    const id = { user: "ada", session: "s1", tenant: "acme", client: "shop" }[kind];
    expect(violations({ revocations: [{ ...REVOKED, kind, id }], calls: [call(1_500, {})] })).toHaveLength(1);
  });

  test("is none of a token issued after what a watermark revokes", () => {
    const watermark: Revocation = { ...REVOKED, kind: "user", id: "ada", issuedBeforeS: 1_000 };
    expect(violations({ revocations: [watermark], calls: [call(5_000, {})] })).toEqual([]);
    expect(
      violations({ revocations: [{ ...watermark, issuedBeforeS: 1_001 }], calls: [call(5_000, {})] }),
    ).toHaveLength(1);
  });
});

describe("fail-open", () => {
  test("may let through what was revoked, in a tier that has it", () => {
    expect(violations({ calls: [failedOpen(9_000)] })).toEqual([]);
  });

  test("may not in a tier that has none", () => {
    expect(violations({ calls: [failedOpen(500, { tier: "standard" })] })).toHaveLength(1);
  });

  test("may not for longer than the tier says after the store fell silent", () => {
    const disturbances: Disturbance[] = [{ kind: "store silenced", fromMs: 5_000, toMs: 9_000 }];
    expect(violations({ disturbances, calls: [failedOpen(6_499)] })).toEqual([]);
    expect(violations({ disturbances, calls: [failedOpen(6_500)] })).toHaveLength(1);
    // It may have been answered in between.
    expect(violations({ disturbances, calls: [failedOpen(8_990)] })).toEqual([]);
  });

  test("may not for a token that this very process refused as revoked", () => {
    expect(violations({ calls: [refused(2_000), failedOpen(3_000)] })).toHaveLength(1);
    expect(violations({ calls: [refused(2_000), failedOpen(3_000, { decidedBy: "a1" })] })).toEqual([]);
    expect(violations({ calls: [failedOpen(2_000), refused(3_000)] })).toEqual([]);
    const revocations = [{ ...REVOKED, liftSentAtMs: 2_500 }];
    expect(violations({ revocations, calls: [refused(2_000), failedOpen(3_000)] })).toEqual([]);
  });
});

describe("a refusal", () => {
  test("as revoked is a broken promise where nobody has revoked", () => {
    expect(violations({ revocations: [], calls: [refused(500)] })).toHaveLength(1);
    expect(violations({ calls: [refused(900)] })).toHaveLength(1);
    // Sent, and not acknowledged yet: it may be in force.
    expect(violations({ calls: [refused(985)] })).toEqual([]);
  });

  test("as revoked is one when it was lifted long ago and nothing is out", () => {
    const revocations = [{ ...REVOKED, liftSentAtMs: 2_000, liftAckedAtMs: 2_010 }];
    expect(violations({ revocations, calls: [refused(3_500)] })).toEqual([]);
    expect(violations({ revocations, calls: [refused(90_500)] })).toEqual([]);
    expect(violations({ revocations, calls: [refused(91_100)] })).toHaveLength(1);
    // The store had answered too late for once.
    expect(violations({ revocations, calls: [refused(91_100), call(91_200, {})] })).toEqual([]);
  });

  test("for any other reason is only counted, as long as something is out", () => {
    const calls = [refused(2_000, { reason: "revocation_unavailable" })];
    expect(violations({ revocations: [], calls })).toEqual([]);
    const history = { tiers: TIERS, revocations: [], calls, disturbances: [], healedAtMs: 90_000 };
    expect(check(history).counts).toEqual({ "critical: refused revocation_unavailable": 1 });
  });

  test("of a good token as the last word, when all was whole again, is a broken promise", () => {
    const unavailable = refused(91_000, { reason: "revocation_unavailable" });
    expect(violations({ revocations: [], calls: [unavailable] })).toHaveLength(1);
    expect(violations({ revocations: [], calls: [unavailable, call(91_100, {})] })).toEqual([]);
    expect(violations({ calls: [unavailable] })).toEqual([]);
  });

  test("by nobody, of everything, is one, too", () => {
    expect(violations({ healedAtMs: undefined })).toHaveLength(1);
  });
});

describe("what the store lost", () => {
  const lost = { ...REVOKED, wasKept: false };
  const struck: Disturbance = { kind: "store struck", fromMs: 2_000, toMs: 2_000 };
  const forgot: Disturbance = { kind: "planes forgot", fromMs: 0, toMs: 3_000 };

  test("is a broken promise, though no call showed it", () => {
    expect(violations({ revocations: [lost] })).toHaveLength(1);
    expect(violations({ revocations: [{ ...lost, liftSentAtMs: 1_500 }] })).toEqual([]);
  });

  test("is none where a server was struck and nobody remembers, unless a replica had it", () => {
    expect(violations({ revocations: [lost], disturbances: [struck] })).toHaveLength(1);
    expect(violations({ revocations: [lost], disturbances: [forgot] })).toHaveLength(1);
    const disturbances = [struck, forgot];
    expect(violations({ revocations: [lost], disturbances, calls: [call(2_500, {})] })).toEqual([]);
    expect(violations({ revocations: [lost], disturbances, calls: [call(1_500, {})] })).toHaveLength(1);
    expect(violations({ revocations: [{ ...lost, durability: "replicated" }], disturbances })).toHaveLength(1);
    expect(violations({ revocations: [{ ...lost, ackedAtMs: 2_500 }], disturbances })).toHaveLength(1);
  });

  test("is none where the server that took it had a successor, and nobody remembers", () => {
    const deposed: Disturbance = { kind: "primary deposed", fromMs: 900, toMs: 1_100 };
    expect(violations({ revocations: [lost], disturbances: [deposed] })).toHaveLength(1);
    expect(violations({ revocations: [lost], disturbances: [deposed, forgot], calls: [call(1_050, {})] })).toEqual([]);
    const before: Disturbance = { kind: "primary deposed", fromMs: 800, toMs: 900 };
    expect(violations({ revocations: [lost], disturbances: [before, forgot] })).toHaveLength(1);
  });

  test("is a broken promise where only what was told later is forgotten", () => {
    const forgotLate: Disturbance = { kind: "planes forgot", fromMs: 1_500, toMs: 3_000 };
    expect(violations({ revocations: [lost], disturbances: [struck, forgotLate] })).toHaveLength(1);
  });

  test("is a lift: then its token stays refused, which is one only where somebody should remember", () => {
    const revocations = [{ ...REVOKED, liftSentAtMs: 1_500, liftAckedAtMs: 1_510 }];
    const calls = [refused(95_000)];
    expect(violations({ revocations, calls, disturbances: [struck, forgot] })).toEqual([]);
    expect(violations({ revocations, calls, disturbances: [struck] })).toHaveLength(1);
    expect(violations({ revocations, calls, disturbances: [forgot] })).toHaveLength(1);
    const liftedAfter = [{ ...REVOKED, liftSentAtMs: 2_500, liftAckedAtMs: 2_510 }];
    expect(violations({ revocations: liftedAfter, calls, disturbances: [struck, forgot] })).toHaveLength(1);
    // Its marker is gone, so something else refuses.
    const gone = [{ ...revocations[0], wasKept: false } as Revocation];
    expect(violations({ revocations: gone, calls, disturbances: [struck, forgot] })).toHaveLength(1);
  });

  test("is not what a deposed primary never had: what was acknowledged since may be ignored until it knows", () => {
    const disturbances: Disturbance[] = [{ kind: "primary deposed", fromMs: 900, toMs: 4_000 }];
    expect(violations({ disturbances, calls: [call(3_999, {})] })).toEqual([]);
    expect(violations({ disturbances, calls: [call(4_001, {})] })).toHaveLength(1);
    const later: Disturbance[] = [{ kind: "primary deposed", fromMs: 1_001, toMs: 4_000 }];
    expect(violations({ disturbances: later, calls: [call(3_999, {})] })).toHaveLength(1);
  });
});
