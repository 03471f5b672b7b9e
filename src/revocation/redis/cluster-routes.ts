// Sends a command to whoever holds its slot, and on to whomever that node names (MOVED, ASK). It never sends one again
// that may have been done: a redirected command was not.

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { err } from "../../core/result.ts";
import type { ClusterNode, ClusterNodes } from "./cluster-nodes.ts";
import type { Reply } from "./connection.ts";
import { fault } from "./fault.ts";

type Arguments = readonly (string | number)[];

export interface Routed {
  readonly slot: number;
  readonly command: string;
  readonly args: Arguments;
  /** Monotonic clock. */
  readonly deadlineAtMs: number;
  /** Several keys of a slot that is on its way cannot be asked for together: "tell" gives that back at once. */
  readonly onItsWay: "follow" | "tell";
}

export interface Routes {
  /** Writes the command before it returns, or fails. */
  lookUp(routed: Routed): Promise<Reply>;
  /** The same by the connections for writes, which may be waited for. */
  operate(routed: Routed): Promise<Reply>;
}

/** A resharding cluster names two nodes, one after the other; more is one that does not know itself. */
const MAX_HOPS = 6;

/** Before a slot that is on its way is asked for again: one key's move takes about as long. */
const TRY_AGAIN_MS = 10;

/** A connection that is just being made is waited for. */
const CONNECTION_GRACE_MS = 750;

type Purpose = "lookUps" | "operations";

export function createRoutes(nodes: ClusterNodes, clock: Clock): Routes {
  const leftMs = (deadlineAtMs: number): number => deadlineAtMs - clock.now().monotonicMs;

  async function follow(purpose: Purpose, routed: Routed, first: ClusterNode): Promise<Reply> {
    let node = first;
    let isAsking = false;
    let reply: Reply = err(fault("timeout", "no time was left"));
    for (let hops = 0; hops < MAX_HOPS; hops += 1) {
      const timeoutMs = leftMs(routed.deadlineAtMs);
      if (timeoutMs <= 0) return reply;
      reply = await send(node[purpose], isAsking, routed, timeoutMs);
      if (reply.ok || reply.error.cause !== "moved") return reply;
      const { redirection } = reply.error;
      const isMoved = redirection?.kind === "moved";
      if (!isMoved && routed.onItsWay === "tell") return reply;
      if (redirection === undefined) {
        await sleep(TRY_AGAIN_MS);
        hops = 0; // one key after the other arrives there: the deadline ends it
        continue;
      }
      node = nodes.nodeAt(node, redirection.host, redirection.port);
      if (isMoved) nodes.moved(routed.slot, node);
      else nodes.onItsWay(routed.slot, node);
      isAsking = !isMoved;
      await node[purpose].whenOpen(Math.max(0, leftMs(routed.deadlineAtMs)));
    }
    return reply;
  }

  return {
    lookUp(routed) {
      const owner = nodes.ownerOf(routed.slot);
      return owner === undefined ? Promise.resolve(nobody()) : follow("lookUps", routed, owner);
    },
    async operate(routed) {
      await nodes.whenKnown(Math.min(CONNECTION_GRACE_MS, leftMs(routed.deadlineAtMs)));
      const owner = nodes.ownerOf(routed.slot);
      if (owner === undefined) return nobody();
      await owner.operations.whenOpen(Math.min(CONNECTION_GRACE_MS, leftMs(routed.deadlineAtMs)));
      return follow("operations", routed, owner);
    },
  };
}

function send(
  link: ClusterNode[Purpose],
  isAsking: boolean,
  { command, args }: Routed,
  timeoutMs: number,
): Promise<Reply> {
  // In one turn, so on one connection: it holds for the very next command alone.
  if (isAsking) void link.send("ASKING", [], timeoutMs);
  return link.send(command, args, timeoutMs);
}

function nobody(): Reply {
  return err(fault("cluster_down", "nobody is known to hold the slot"));
}
