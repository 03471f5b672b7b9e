// Shared Signals fetched by RFC 8936 from a real transmitter by a real control server. docs/ingress.md has the table.

import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import {
  accessToken,
  eventToken,
  issuer,
  nowS,
  startIngress,
  strangersKey,
  type IngressPlane,
} from "../support/ingress.ts";
import { startTransmitter, type TestTransmitter } from "../support/transmitter.ts";
import { ISSUER } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

let transmitter: TestTransmitter;
let plane: IngressPlane | undefined;
beforeEach(async () => {
  transmitter = await startTransmitter();
});
afterEach(async () => {
  await plane?.stop();
  await transmitter.stop();
});

interface Polling {
  readonly around?: (store: RevocationStore) => RevocationStore;
  readonly returnImmediately?: boolean;
  readonly everyMs?: number;
  readonly bearer?: string;
}

async function follow(polling: Polling = {}): Promise<IngressPlane> {
  const { around, bearer = transmitter.bearer, everyMs = 50, returnImmediately = false } = polling;
  const poll = { url: new URL(`${transmitter.url}/poll`), bearer, returnImmediately, timeoutMs: 5_000 };
  plane = await startIngress(around === undefined ? {} : { around }, issuer, { poll, everyMs });
  return plane;
}

const disabled = { "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {} };
const user = (sub: string) => ({ format: "iss_sub", iss: ISSUER, sub });

/** An event that asks for the end of `sub`, with its jti. */
function eventOf(sub: string, changes = {}): { readonly jti: string; readonly set: string } {
  const jti = randomUUID();
  return { jti, set: eventToken({ jti, sub_id: user(sub), events: disabled, ...changes }) };
}

const acked = (...jtis: readonly string[]) =>
  until("the acknowledgement", () => jtis.every((jti) => transmitter.acked.includes(jti)));

describe.each([
  ["a transmitter that waits until it has something", false],
  ["one that is asked to answer at once", true],
])("from %s (RFC 8936 §2.2)", (_what, returnImmediately) => {
  test("events are fetched, do their work, and are acknowledged", async () => {
    const own = await follow({ returnImmediately });
    await until("a poll", () => transmitter.polledAtMs.length > 0);
    const [first, second] = [eventOf("first"), eventOf("second")];
    transmitter.offer(first.jti, first.set);
    transmitter.offer(second.jti, second.set);
    await acked(first.jti, second.jti);
    expect(await own.revoked()).toEqual(["user:first", "user:second"]);
    expect(transmitter.lastPoll).toMatchObject({ returnImmediately, maxEvents: expect.any(Number) });
    const { items } = (await own.call("GET", "/v1/audit")).json as unknown as { items: { actor: string }[] };
    expect(new Set(items.map(({ actor }) => actor))).toEqual(new Set(["ssf:risk"]));
  });
});

test("more than one answer holds are fetched in turn (§2.3)", async () => {
  const many = Array.from({ length: 130 }, (_, index) => eventOf(`user-${index}`));
  for (const { jti, set } of many) transmitter.offer(jti, set);
  const own = await follow();
  await acked(...many.map(({ jti }) => jti));
  expect(await own.revoked()).toHaveLength(130);
});

test("an acknowledgement goes with the next poll, at once, however seldom a quiet stream is asked", async () => {
  const own = await follow({ everyMs: 3_600_000 });
  for (const sub of ["one", "two", "three"]) {
    const { jti, set } = eventOf(sub);
    transmitter.offer(jti, set);
    await acked(jti);
  }
  expect(await own.revoked()).toEqual(["user:one", "user:three", "user:two"]);
});

describe("an event is acknowledged only once its marker is durable", () => {
  test("while the store takes its time, the transmitter is told nothing", async () => {
    let isStored = false;
    await follow({
      around: (store) => ({
        ...store,
        async put(revocation) {
          await sleep(400);
          const stored = await store.put(revocation);
          isStored = stored.ok;
          return stored;
        },
      }),
    });
    const seen: boolean[] = [];
    transmitter.onAck = () => seen.push(isStored);
    const { jti, set } = eventOf("alice");
    transmitter.offer(jti, set);
    await acked(jti);
    expect(seen).toEqual([true]);
  });

  test("while the store is out it is neither acknowledged nor refused, and does its work later", async () => {
    let isOut = true;
    let tries = 0;
    const own = await follow({
      around: (store) => ({
        ...store,
        put(revocation) {
          tries += 1;
          return isOut ? Promise.resolve(err({ cause: "timeout", detail: "" })) : store.put(revocation);
        },
      }),
    });
    const { jti, set } = eventOf("alice");
    transmitter.offer(jti, set);
    await until("two tries", () => tries >= 2);
    expect([transmitter.acked, transmitter.refused.size, transmitter.isPending(jti)]).toEqual([[], 0, true]);
    isOut = false;
    await acked(jti);
    expect(await own.revoked()).toEqual(["user:alice"]);
  });

  test("a control plane that ends before it could acknowledge is told again, and nothing is revoked anew", async () => {
    const { jti, set } = eventOf("alice");
    transmitter.heeds = false;
    transmitter.offer(jti, set);
    const own = await follow();
    await acked(jti);
    const find = async () => (await own.call("GET", "/v1/revocations?kind=user&id=alice")).json.items;
    await own.call("DELETE", `/v1/revocations/${(await find())[0]?.id}`);
    const before = transmitter.polledAtMs.length;
    await until("it to be told again", () => transmitter.polledAtMs.length >= before + 2);
    expect([await find(), transmitter.refused.size]).toEqual([[], 0]);
  });
});

describe("what is no good is refused in its own words (§2.4.4), and holds nothing else up", () => {
  test.each([
    ["authentication_failed", (jti: string) => eventToken({ jti }, { kid: "t1" }, strangersKey)],
    ["invalid_issuer", (jti: string) => eventToken({ jti, iss: ISSUER })],
    ["invalid_audience", (jti: string) => eventToken({ jti, aud: "somebody else" })],
    ["invalid_key", (jti: string) => eventToken({ jti }, { kid: "other" })],
    ["invalid_request", () => "nonsense"],
    ["invalid_request", () => accessToken().slice(0, 40)],
    ["invalid_request", () => eventOf("under another name").set],
    ["invalid_request", (jti: string) => eventToken({ jti, sub_id: { format: "complex", device: user("d") } })],
    ["invalid_request", (jti: string) => eventToken({ jti, iat: nowS() + 3_600 })],
  ])("%s", async (error, setOf) => {
    const own = await follow();
    const bad = randomUUID();
    const good = eventOf("alice");
    transmitter.offer(bad, setOf(bad));
    transmitter.offer(good.jti, good.set);
    await acked(good.jti);
    await until("the refusal", () => transmitter.refused.get(bad) === error);
    expect([await own.revoked(), transmitter.acked]).toEqual([["user:alice"], [good.jti]]);
  });

  test("a member whose name is none of a plain object's is refused like any other", async () => {
    await follow();
    const body = `{"sets":{"__proto__":${JSON.stringify(eventOf("a").set)}}}`;
    transmitter.answer = (response) => {
      response.end(body);
      transmitter.answer = undefined;
    };
    await until("the poll after it", () => Object.hasOwn(transmitter.lastPoll?.setErrs ?? {}, "__proto__"));
  });
});

/** In place of the transmitter's answer. */
type Ill = (response: ServerResponse) => unknown;

describe("a transmitter in trouble", () => {
  test.each<[string, Ill]>([
    ["answers 500", (response) => response.writeHead(500).end()],
    ["sends us elsewhere", (response) => response.writeHead(307, { location: `${transmitter.url}/poll` }).end()],
    ["answers no JSON", (response) => response.end("<html>")],
    ["answers another shape", (response) => response.end(`{"sets":[]}`)],
    ["answers the same member twice", (response) => response.end(`{"sets":{},"sets":{}}`)],
    ["cuts the connection", (response) => response.destroy()],
    ["sends too much", (response) => response.end(" ".repeat(4_000_000))],
  ])("that %s loses nothing, and is told of what was taken once it is well", async (_what, answer) => {
    const own = await follow();
    const first = eventOf("first");
    let isIll = false;
    // Taken, and then the poll that would acknowledge it fails.
    transmitter.answer = (response) => {
      if (isIll) return void answer(response);
      isIll = true;
      response.end(JSON.stringify({ sets: { [first.jti]: first.set } }));
    };
    await until("a failed poll", () => own.logged().includes("event_stream_not_polled"));
    expect(await own.revoked()).toEqual(["user:first"]);
    transmitter.answer = undefined;
    await acked(first.jti);
    await until("the log", () => own.logged().includes("event_stream_polled_again"));
    expect(own.logged()).not.toContain(transmitter.bearer);
  });

  test("that does not know us is asked less and less often", async () => {
    await follow({ bearer: "wrong" });
    await until("a refused poll", () => plane?.logged().includes("HTTP status 401"));
    expect(transmitter.polledAtMs).toEqual([]);
  });

  test("that asks us to wait is left alone for so long", async () => {
    const at: number[] = [];
    transmitter.answer = (response) => {
      at.push(performance.now());
      response.writeHead(429, { "retry-after": "1" }).end();
    };
    await follow();
    await until("two polls", () => at.length >= 2);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(900);
  });

  test("that offers what was acknowledged over and over is not asked without a pause", async () => {
    transmitter.heeds = false;
    const { jti, set } = eventOf("alice");
    transmitter.offer(jti, set);
    await follow({ everyMs: 300 });
    await until("some polls", () => transmitter.polledAtMs.length >= 4);
    const [, second = 0, third = 0, fourth = 0] = transmitter.polledAtMs;
    expect(Math.min(third - second, fourth - third)).toBeGreaterThan(250);
  });

  test("that says nothing at once is not asked without a pause", async () => {
    transmitter.answer = (response) => response.end(`{"sets":{}}`);
    await follow({ everyMs: 300 });
    await until("some polls", () => transmitter.polledAtMs.length >= 3);
    const [first = 0, second = 0, third = 0] = transmitter.polledAtMs;
    expect(Math.min(second - first, third - second)).toBeGreaterThan(250);
  });
});

test("a server that stops ends a poll under way", async () => {
  transmitter.answer = () => undefined;
  const own = await follow();
  await until("a poll", () => transmitter.polledAtMs.length > 0);
  const beganMs = performance.now();
  await own.stop();
  plane = undefined;
  expect(performance.now() - beganMs).toBeLessThan(4_000); // the poll itself would take 5 s
});
