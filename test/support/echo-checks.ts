// Checks that judge nothing: each answer is the message it answers, at once, unless the message begins with "hold".
// For tests of what carries them.
import type { CheckCall } from "../../src/ext-authz/check.ts";
import type { CheckHandler } from "../../src/ext-authz/check-handler.ts";

export interface EchoChecks {
  readonly handler: CheckHandler;
  /** What came beside each message, in the order of arrival. */
  readonly calls: readonly CheckCall[];
  /** Answers that wait for `release`, the oldest first. */
  readonly held: readonly unknown[];
  /** Sends all answers that are held. */
  release(): void;
}

const HOLD = Buffer.from("hold");

export function createEchoChecks(): EchoChecks {
  const calls: CheckCall[] = [];
  const held: (() => void)[] = [];
  return {
    handler: {
      check(request, call, reply) {
        calls.push(call);
        const message = Buffer.from(request); // it may be part of a buffer that is used again
        if (message.subarray(0, HOLD.length).equals(HOLD)) held.push(() => reply(message));
        else reply(message);
      },
      replace: () => undefined,
    },
    calls,
    held,
    release() {
      for (const answer of held.splice(0)) answer();
    },
  };
}
