// One operation of the control plane on Redis: several commands under one deadline. It never retries a write.

import type { Clock } from "../../core/clock.ts";
import { err } from "../../core/result.ts";
import type { Reply } from "./connection.ts";
import { fault } from "./fault.ts";
import type { Link } from "./link.ts";

/** Of a whole operation. People and pipelines wait for it, so it may outlast a short pause of Redis. */
export const OPERATION_TIMEOUT_MS = 2_000;

/** A connection that is just being made is waited for: longer than the longest pause before it, shorter than a wait. */
const CONNECTION_GRACE_MS = 750;

/** Writes one command, or fails: the time left is what the commands before it left of the operation's. */
export type Ask = (command: string, ...args: readonly (string | number)[]) => Promise<Reply>;

export function beginOperation(link: Link, clock: Clock): Ask {
  const deadlineMs = clock.now().monotonicMs + OPERATION_TIMEOUT_MS;
  return async (command, ...args) => {
    await link.whenOpen(CONNECTION_GRACE_MS);
    const leftMs = deadlineMs - clock.now().monotonicMs;
    if (leftMs <= 0) return err(fault("timeout", "the operation took too long"));
    return link.send(command, args, leftMs);
  };
}
