// The connections that every Redis store has to a primary: each does one thing, so that nothing stands before a look-up.

import type { Clock } from "../../core/clock.ts";
import { createLink, type Link } from "./link.ts";
import type { Locator } from "./locator.ts";
import { OPERATION_TIMEOUT_MS } from "./operation.ts";

/** Silence for so long ends a connection: long for one look-up, short enough to be back 3 s after the store is. */
const LOOK_UP_SILENCE_MS = 1_000;
const OPERATION_SILENCE_MS = OPERATION_TIMEOUT_MS + 500;

/** Far above what a batcher has in flight; reached only by a Redis that stopped answering. */
const MAX_UNANSWERED_LOOK_UPS = 256;
const MAX_UNANSWERED_OPERATIONS = 4_096;

/** Of a Cluster each slot of a batch is asked for by itself. */
const MAX_UNANSWERED_SLOTS = 16_384;

export function linkForLookUps(
  locator: Locator,
  clock: Clock,
  asks: "in one" | "by slot",
  onProve: (isFirst: boolean) => void,
): Link {
  return createLink({
    locator,
    clock,
    name: "portcullis-look-up",
    silenceMs: LOOK_UP_SILENCE_MS,
    maxUnanswered: asks === "in one" ? MAX_UNANSWERED_LOOK_UPS : MAX_UNANSWERED_SLOTS,
    onProve,
  });
}

/** `name` as in CLIENT LIST. */
export function linkForOperations(
  locator: Locator,
  clock: Clock,
  name: string,
  onProve: (isFirst: boolean) => void = () => undefined,
): Link {
  return createLink({
    locator,
    clock,
    name,
    silenceMs: OPERATION_SILENCE_MS,
    maxUnanswered: MAX_UNANSWERED_OPERATIONS,
    onProve,
  });
}
