// How long a revocation takes to bite: from its acknowledgement to the first refusal that a caller sees, per tier. The
// caller asks about each token again and again, as a client in a hurry would.
import { setTimeout as sleep } from "node:timers/promises";
import { checkRequest } from "./fixtures/check-request.ts";
import type { Token } from "./fixtures/tokens.ts";
import { type Call, checkCall } from "./load/calls.ts";
import { nowMs } from "./load/clock.ts";
import { Connection } from "./load/connection.ts";

export interface RevokeTiming {
  /** From the acknowledgement to the first refusal, ms, one for each revocation. */
  readonly toRefusalMs: readonly number[];
  /** Calls that were allowed though they began later than acknowledgement + `maxStalenessMs`; must be 0. */
  readonly lateAllowCount: number;
}

export interface RevokeTrial {
  readonly port: number;
  readonly path: string;
  readonly tokens: readonly Token[];
  readonly maxStalenessMs: number;
  /** Between two questions about the same token. */
  readonly askEveryMs: number;
  /** How long before its revocation the questions about a token begin; the fewer, the less they wait for each other. */
  readonly askBeforeMs: number;
  /** Done when the revocation is acknowledged. */
  readonly revoke: (token: Token) => Promise<void>;
}

/** Longer than `maxStalenessMs` by this: the revocation did not bite. */
const GIVE_UP_MS = 5000;

/** Revokes each token at its own moment, spread evenly over the tier's staleness, and waits until all are refused. */
export async function timeRevocations(trial: RevokeTrial): Promise<RevokeTiming> {
  const caller = await openCaller(trial.port);
  try {
    const outcomes = await Promise.all(
      trial.tokens.map((token, index) => {
        const delayMs = 100 + ((index + 0.5) / trial.tokens.length) * Math.max(trial.maxStalenessMs, 1000);
        return timeOne(caller, trial, token, delayMs);
      }),
    );
    return {
      toRefusalMs: outcomes.map((outcome) => outcome.toRefusalMs),
      lateAllowCount: outcomes.reduce((sum, outcome) => sum + outcome.lateAllowCount, 0),
    };
  } finally {
    caller.close();
  }
}

async function timeOne(
  caller: Caller,
  { path, maxStalenessMs, askEveryMs, askBeforeMs, revoke }: RevokeTrial,
  token: Token,
  delayMs: number,
): Promise<{ readonly toRefusalMs: number; readonly lateAllowCount: number }> {
  const call = checkCall(checkRequest(token.compact, "c58d1fd2-e8dd-462b-b906-3974ef93c6c0", path));
  if (!(await caller.isAllowed(call))) throw new Error(`${path}: refused before it was revoked`);
  let acknowledgedAtMs = Number.POSITIVE_INFINITY;
  const revoked = sleep(delayMs)
    .then(() => revoke(token))
    .then(() => (acknowledgedAtMs = nowMs()));
  let lateAllowCount = 0;
  await sleep(Math.max(0, delayMs - askBeforeMs));
  for (;;) {
    const beganAtMs = nowMs();
    if (!(await caller.isAllowed(call))) break;
    if (beganAtMs > acknowledgedAtMs + maxStalenessMs) lateAllowCount += 1;
    if (beganAtMs > acknowledgedAtMs + maxStalenessMs + GIVE_UP_MS) throw new Error(`${path}: still allowed`);
    await sleep(askEveryMs);
  }
  const refusedAtMs = nowMs();
  // A refusal may be seen before the acknowledgement is: that is no time at all.
  return { toRefusalMs: Math.max(0, refusedAtMs - (await revoked)), lateAllowCount };
}

interface Caller {
  isAllowed(call: Call): Promise<boolean>;
  close(): void;
}

async function openCaller(port: number): Promise<Caller> {
  const waiting = new Map<number, (isAllowed: boolean) => void>();
  const connection = await Connection.open({ host: "127.0.0.1", port }, "grpc", {
    ended: (ticket, failure) => {
      waiting.get(ticket)?.(failure === undefined);
      waiting.delete(ticket);
    },
    turn: () => undefined,
    lost: (why) => {
      throw new Error(`the connection was lost: ${why}`);
    },
  });
  let ticket = 0;
  return {
    isAllowed: (call) =>
      new Promise((resolve) => {
        // What the loader uses for the instant a call was due tells one call from another here.
        ticket += 1;
        waiting.set(ticket, resolve);
        connection.send(call, ticket);
        connection.flush();
      }),
    close: () => connection.close(),
  };
}
