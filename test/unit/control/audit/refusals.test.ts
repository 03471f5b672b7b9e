// A flood of refused calls is a few entries in the audit trail, which still count all of them.
import { expect, test } from "vitest";
import type { AuditEntry } from "../../../../src/control/audit/entry.ts";
import { createRefusals, type Refusal } from "../../../../src/control/audit/refusals.ts";

function refusal(actor: string): Refusal {
  return { actor, action: "access_refused", target: undefined, reason: "unauthenticated" };
}

test("the first of a kind is told at once, further ones together with their count, and then it begins anew", () => {
  const told: AuditEntry[] = [];
  const refusals = createRefusals((entry) => told.push(entry));
  for (let i = 0; i < 5; i += 1) refusals.note(refusal("a"), i);
  refusals.note(refusal("b"), 5);
  expect(told.map(({ actor, count, atMs }) => [actor, count, atMs])).toEqual([
    ["a", undefined, 0],
    ["b", undefined, 5],
  ]);
  refusals.tell(60);
  refusals.tell(120);
  expect(told.slice(2).map(({ actor, count, atMs }) => [actor, count, atMs])).toEqual([["a", 4, 60]]);
  refusals.note(refusal("a"), 130);
  expect(told).toHaveLength(4);
});

test("more kinds than can be told apart are told together", () => {
  const told: AuditEntry[] = [];
  const refusals = createRefusals((entry) => told.push(entry));
  for (let i = 0; i < 5_000; i += 1) refusals.note(refusal(`a${i}`), 0);
  refusals.tell(1);
  expect(told.length).toBe(1_002);
  expect(told.at(-1)).toMatchObject({ actor: "several", count: 3_999 });
});
