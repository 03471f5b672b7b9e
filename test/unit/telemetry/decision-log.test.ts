// Which decisions are logged, and what stands in the line: a subject as a hash unless configured, never an endless
// text.
import { beforeEach, describe, expect, test } from "vitest";
import { createDecisionLog, type DecisionLog, type DecisionLogOptions } from "../../../src/telemetry/decision-log.ts";
import { allowed, denied } from "./decisions.ts";

let lines: Record<string, unknown>[];

beforeEach(() => {
  lines = [];
});

function create(changes: Partial<DecisionLogOptions> = {}): DecisionLog {
  return createDecisionLog({
    output: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    denyRatio: 1,
    allowRatio: 0.01,
    plainSubject: false,
    random: () => 0.5,
    ...changes,
  });
}

describe("which decisions become a line", () => {
  test("denials and allowed calls each by their own share", () => {
    let drawn = 0;
    const log = create({ denyRatio: 0.5, allowRatio: 0.1, random: () => drawn });
    for (drawn of [0, 0.05, 0.1, 0.3, 0.5, 0.9]) {
      log.record(allowed());
      log.record(denied());
    }
    expect(lines.map((line) => line["decision"])).toEqual(["allow", "deny", "allow", "deny", "deny", "deny"]);
  });

  test("a share of 0 is none and a share of 1 is all", () => {
    for (const random of [() => 0, () => 0.999_999]) {
      create({ denyRatio: 0, random }).record(denied());
      create({ denyRatio: 1, random }).record(denied());
    }
    expect(lines).toHaveLength(2);
  });

  test("fail-open that nobody sees: it is logged as a denial would be", () => {
    create({ allowRatio: 0 }).record(allowed({ assurance: "fail-open", tier: "low" }));
    expect(lines).toMatchObject([{ decision: "allow", assurance: "fail-open", tier: "low" }]);
  });
});

describe("what stands in a line", () => {
  test("the verdict with its inputs; what is unknown is left out", () => {
    create().record(
      denied({ revokedBy: { kind: "user", revocationId: "r-1" }, traceId: "ab".repeat(16), issuerId: undefined }),
    );
    expect(lines).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        event: "decision",
        decision: "deny",
        reason: "revoked",
        tier: "standard",
        staleness_ms: 1.235,
        rule: "3",
        revoked_by: "user",
        revocation_id: "r-1",
        duration_ms: 0.4,
        method: "GET",
        path: "/api/orders",
        subject_hash: expect.stringMatching(/^[0-9a-f]{32}$/),
        trace_id: "ab".repeat(16),
      },
    ]);
  });

  test("the subject's hash is the same in all lines of a process and in no other process's", () => {
    const log = create();
    log.record(denied({ subject: "alice" }));
    log.record(denied({ subject: "alice" }));
    log.record(denied({ subject: "bob" }));
    create().record(denied({ subject: "alice" }));
    const [first, second, bob, elsewhere] = lines.map((line) => line["subject_hash"]);
    expect(second).toBe(first);
    expect(bob).not.toBe(first);
    expect(elsewhere).not.toBe(first);
    expect(JSON.stringify(lines)).not.toContain("alice");
  });

  test("the subject itself only where that is configured", () => {
    create({ plainSubject: true }).record(denied());
    expect(lines[0]).toMatchObject({ subject: "alice" });
    expect(lines[0]).not.toHaveProperty("subject_hash");
  });

  test("a caller's endless path or method does not make an endless line", () => {
    create().record(denied({ path: `/${"a".repeat(100_000)}`, method: "M".repeat(100_000) }));
    expect(String(lines[0]?.["path"])).toHaveLength(1024);
    expect(String(lines[0]?.["method"])).toHaveLength(32);
  });
});
