// Reads markers from a Cluster: one MGET a slot, all written at once. It never takes half an answer for a whole one.

import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import type { Routes } from "./cluster-routes.ts";
import type { Reply } from "./connection.ts";
import { slotOf } from "./slots.ts";
import { valuesOf, type Values } from "./values.ts";

interface Group {
  readonly keys: string[];
  /** Where each stands among all. */
  readonly places: number[];
}

/** As MarkerReader.read has it. */
export async function readCluster(
  routes: Routes,
  clock: Clock,
  keys: readonly string[],
  timeoutMs: number,
): Promise<Result<Values, StoreFault>> {
  const deadlineAtMs = clock.now().monotonicMs + timeoutMs;
  const groups = [...groupBySlot(keys)];
  const read = await Promise.all(groups.map(([slot, group]) => readGroup(routes, slot, group.keys, deadlineAtMs)));
  const values = Array.from<string | null>({ length: keys.length });
  for (const [i, [, { places }]] of groups.entries()) {
    const one = read[i];
    if (one?.ok !== true) return one ?? err({ cause: "protocol", detail: "a slot was not asked for" });
    for (const [j, place] of places.entries()) values[place] = one.value[j] ?? null;
  }
  return ok(values);
}

function groupBySlot(keys: readonly string[]): Map<number, Group> {
  const groups = new Map<number, Group>();
  for (const [place, key] of keys.entries()) {
    const slot = slotOf(key);
    let group = groups.get(slot);
    if (group === undefined) groups.set(slot, (group = { keys: [], places: [] }));
    group.keys.push(key);
    group.places.push(place);
  }
  return groups;
}

async function readGroup(
  routes: Routes,
  slot: number,
  keys: readonly string[],
  deadlineAtMs: number,
): Promise<Result<Values, StoreFault>> {
  const ask = (args: readonly string[], onItsWay: "follow" | "tell"): Promise<Reply> =>
    routes.lookUp({ slot, command: "MGET", args, deadlineAtMs, onItsWay });
  const together = await ask(keys, keys.length === 1 ? "follow" : "tell");
  if (together.ok) return valuesOf(together.value, keys.length);
  if (together.error.cause !== "moved" || keys.length === 1) return together;
  // The slot is on its way, and keys that are nowhere look as if they had gone ahead: each by itself has one answer.
  const values: (string | null)[] = [];
  for (const reply of await Promise.all(keys.map((key) => ask([key], "follow")))) {
    const one = reply.ok ? valuesOf(reply.value, 1) : reply;
    if (!one.ok) return one;
    values.push(one.value[0] ?? null);
  }
  return ok(values);
}
