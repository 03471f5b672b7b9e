// One operation of the control plane on a Cluster: each command goes to whoever holds its key, and a scan over all of
// them, one after the other. It never retries a write.

import type { Clock } from "../../core/clock.ts";
import { err, ok } from "../../core/result.ts";
import type { ClusterNodes } from "./cluster-nodes.ts";
import type { Routes } from "./cluster-routes.ts";
import type { Reply } from "./connection.ts";
import { fault } from "./fault.ts";
import { OPERATION_TIMEOUT_MS, type Ask } from "./operation.ts";
import { slotOf } from "./slots.ts";

/** A cursor of all nodes is a node's own with the node's place before it; a node's own is below its keys' number. */
const CURSOR_SHIFT = 2n ** 48n;

export function beginClusterOperation(nodes: ClusterNodes, routes: Routes, clock: Clock): Ask {
  const deadlineAtMs = clock.now().monotonicMs + OPERATION_TIMEOUT_MS;
  return async (command, ...args) => {
    if (clock.now().monotonicMs >= deadlineAtMs) return err(fault("timeout", "the operation took too long"));
    if (command === "SCAN") return scan(nodes, args, deadlineAtMs - clock.now().monotonicMs);
    return routes.operate({ slot: slotOf(keyOf(command, args)), command, args, deadlineAtMs, onItsWay: "follow" });
  };
}

/** Of several all lie in one slot. */
function keyOf(command: string, args: readonly (string | number)[]): string {
  if (command === "EVAL") return String(args[2]);
  if (command === "XREAD") return String(args[args.indexOf("STREAMS") + 1]);
  return String(args[0]);
}

async function scan(
  nodes: ClusterNodes,
  [cursor, ...rest]: readonly (string | number)[],
  timeoutMs: number,
): Promise<Reply> {
  const at = BigInt(cursor ?? 0);
  const place = Number(at / CURSOR_SHIFT);
  await nodes.whenKnown(timeoutMs);
  const owners = nodes.owners();
  const node = owners[place]?.node;
  if (node === undefined) return err(fault("cluster_down", "a node is missing"));
  const reply = await node.operations.send("SCAN", [String(at % CURSOR_SHIFT), ...rest], timeoutMs);
  if (!reply.ok || !Array.isArray(reply.value)) return reply;
  const [next, found] = reply.value as readonly unknown[];
  if (typeof next !== "string") return reply;
  if (next !== "0") return ok([String(BigInt(place) * CURSOR_SHIFT + BigInt(next)), found]);
  return ok([place + 1 < owners.length ? String(BigInt(place + 1) * CURSOR_SHIFT) : "0", found]);
}
