// Hazards of asking an issuer that a real one brings about by chance only: answers that overtake each other, and a token
// that breaks the question about it.

import { beforeEach, describe, expect, test } from "vitest";
import { err, ok, type Result } from "../../../src/core/result.ts";
import { createBreaker } from "../../../src/resilience/breaker.ts";
import { mayBeOpaque } from "../../../src/token/opaque/opaque-form.ts";
import type { IntrospectionAnswer, IntrospectionFault } from "../../../src/token/opaque/introspection.ts";
import { createOpaqueIssuers } from "../../../src/token/opaque/opaque-issuers.ts";
import { createOpaqueTokens, type OpaqueTokens } from "../../../src/token/opaque/opaque-tokens.ts";
import { ISSUER, issuerWith, keysByHand, type Json } from "../../support/tokens.ts";
import { until } from "../../support/wait.ts";

type Answered = Result<IntrospectionAnswer, IntrospectionFault>;

const TOKEN = Buffer.from("opaque");
const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

let questions: ((answer: Answered) => void)[];
let opaque: OpaqueTokens<null>;

beforeEach(() => {
  questions = [];
  opaque = opaqueTokens(100);
});

function opaqueTokens(
  rememberedTokens: number,
  timeoutMs = 60_000,
  answerOf: (signal: AbortSignal) => Promise<Answered> = () => new Promise((resolve) => questions.push(resolve)),
): OpaqueTokens<null> {
  return createOpaqueTokens({
    issuer: issuerWith(keysByHand([], ["ES256"]), ["ES256"]),
    introspect: (_token, signal) => answerOf(signal),
    timeoutMs,
    maxAtOnce: 8,
    rememberedTokens,
    breaker: createBreaker({
      windowMs: 10_000,
      minCalls: 2,
      failureRatio: 0.5,
      openForMs: 60_000,
      probeForMs: 60_000,
      onChange: () => undefined,
    }),
    clock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    observer: { introspected: () => undefined },
    compile: () => ok(null),
  });
}

function active(changes: Json = {}): Answered {
  const nowS = Math.floor(Date.now() / 1_000);
  const members = { iss: ISSUER, aud: "orders-api", jti: "1", iat: nowS - 5, exp: nowS + 600, ...changes };
  return ok({ members, textBytes: 200 });
}

/** The outcome: "good", "last word" where the issuer did not answer, or why not. */
function ask(maxAgeMs: number, patienceMs = 60_000, token = TOKEN): Promise<string> {
  const now = clock.now();
  return new Promise((resolve) => {
    opaque.verify(
      token,
      now,
      now.monotonicMs + patienceMs,
      undefined,
      (outcome) => {
        if (!outcome.ok) return resolve(outcome.error.reason);
        resolve(outcome.value.principal.assertion?.isUnanswered === true ? "last word" : "good");
      },
      maxAgeMs,
    );
  });
}

const asked = (count: number) => until(`question ${count}`, () => questions.length >= count, 10_000, 1);

test("a late answer never overwrites what a newer one said", async () => {
  const first = ask(0);
  await asked(1);
  const second = ask(0);
  await asked(2);
  questions[1]?.(ok(undefined));
  expect(await second).toBe("revoked");
  questions[0]?.(active());
  expect(await first).toBe("revoked");
  expect(await ask(60_000)).toBe("revoked");
});

test("a call that may have no old answer does not join a question that was sent before it began", async () => {
  const first = ask(60_000);
  const joined = ask(0); // in the same turn: not sent yet
  await asked(1);
  const late = ask(0);
  const young = ask(60_000);
  await asked(2);
  questions[0]?.(active());
  expect([await first, await joined]).toEqual(["good", "good"]);
  questions[1]?.(ok(undefined));
  expect([await late, await young]).toEqual(["revoked", "revoked"]);
});

test("a token that its issuer cannot be asked about fails alone: the others' questions are not given up", async () => {
  for (let index = 0; index < 5; index += 1) {
    const outcome = ask(0, 60_000, Buffer.from(`bad-${index}`));
    await asked(index + 1);
    questions[index]?.(err({ why: "HTTP status 400", isIssuers: false }));
    expect(await outcome).toBe("keys_unavailable");
  }
  const good = ask(0);
  await asked(6);
  questions[5]?.(active());
  expect(await good).toBe("good");
});

test("an answer that comes after its caller's deadline still serves the next one", async () => {
  const hurried = ask(0, 20);
  await asked(1);
  expect(await hurried).toBe("keys_unavailable");
  questions[0]?.(active());
  expect(await ask(60_000)).toBe("good");
});

test("a refused token stays refused while the issuer is out, a good one is given with its last word", async () => {
  const good = ask(0);
  await asked(1);
  questions[0]?.(active());
  expect(await good).toBe("good");
  const again = ask(0);
  await asked(2);
  questions[1]?.(err({ why: "ECONNREFUSED", isIssuers: true }));
  expect(await again).toBe("last word");
});

test("an answer that lay there while this process was busy is heard, though the deadline has passed", async () => {
  const first = ask(0);
  await asked(1);
  questions[0]?.(active());
  expect(await first).toBe("good");
  const { port1: wire, port2: issuer } = new MessageChannel();
  wire.on("message", () => questions[1]?.(ok(undefined)));
  const second = ask(0, 400);
  await asked(2);
  await new Promise((resolve) => setImmediate(resolve)); // what comes next in the loop are timers, and then what has come in
  issuer.postMessage("not active");
  beBusyFor(450);
  expect(await second).toBe("revoked");
  wire.close();
});

test("the issuer's own time-out gives an answer that lay there its chance, too", async () => {
  const { port1: wire, port2: issuer } = new MessageChannel();
  opaque = opaqueTokens(100, 400, (signal) => {
    return new Promise((resolve) => {
      wire.once("message", () => resolve(active()));
      signal.addEventListener("abort", () => resolve(err({ why: "timed out", isIssuers: true })));
      questions.push(resolve);
    });
  });
  const outcome = ask(0);
  await asked(1);
  await new Promise((resolve) => setImmediate(resolve));
  issuer.postMessage("active");
  beBusyFor(450);
  expect(await outcome).toBe("good");
  wire.close();
});

test("where this process was too busy to ask, the last word does not count: load opens no door", async () => {
  const first = ask(0);
  await asked(1);
  questions[0]?.(active());
  expect(await first).toBe("good");
  await new Promise((resolve) => setTimeout(resolve, 1)); // among timers, which come before questions are sent
  const second = ask(0, 30);
  beBusyFor(60);
  expect(await second).toBe("overloaded");
});

function beBusyFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("where nothing is remembered, each call asks and none has a last word", async () => {
  opaque = opaqueTokens(0);
  const good = ask(60_000);
  await asked(1);
  questions[0]?.(active());
  expect(await good).toBe("good");
  const again = ask(60_000);
  await asked(2);
  questions[1]?.(err({ why: "ECONNREFUSED", isIssuers: true }));
  expect(await again).toBe("keys_unavailable");
});

describe("which tokens an issuer is asked about", () => {
  test.each(["abc", "ory_at_a.b", "a.b.c.d", "a-._~+/9==", "x".repeat(4_096)])("%s may be opaque", (token) => {
    expect(mayBeOpaque(Buffer.from(token))).toBe(true);
  });

  test.each(["", "a.b.c", "a.b.c.d.e", "..", "a b", "a,b", "a=b", "==", "a\u0000", "caf\u00e9", 'a"', "a.b.c=="])(
    "%j may not",
    (token) => {
      expect(mayBeOpaque(Buffer.from(token))).toBe(false);
    },
  );

  test("the one with the longest prefix, and nobody else", () => {
    const [any, ory] = [opaqueTokens(1), opaqueTokens(1)];
    const issuers = createOpaqueIssuers([
      { prefix: "", tokens: any },
      { prefix: "ory_at_", tokens: ory },
    ]);
    expect(issuers.of(Buffer.from("ory_at_x"))).toBe(ory);
    expect(issuers.of(Buffer.from("ory_at"))).toBe(any);
    expect(createOpaqueIssuers([{ prefix: "ory_at_", tokens: ory }]).of(TOKEN)).toBeUndefined();
  });
});
