// A relayed replica against a relay made by hand, over a real WebSocket: whatever that says or leaves unsaid, a position
// is never younger than what can be known, and other threads that read it find the same.

import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import type { Instant } from "../../../../src/core/clock.ts";
import { eventLoop } from "../../../../src/resilience/schedule.ts";
import { createFingerprints } from "../../../../src/revocation/replica/fingerprint.ts";
import { recordOf } from "../../../../src/revocation/replica/record.ts";
import type { Replica } from "../../../../src/revocation/replica/replica.ts";
import type { ReplicaView } from "../../../../src/revocation/replica/view.ts";
import { Publications } from "../../../../src/revocation/shared/publications.ts";
import { createSights } from "../../../../src/revocation/shared/sights.ts";
import { frameOf, readAsk } from "../../../../src/revocation/relay/messages.ts";
import { createRelayedReplica } from "../../../../src/revocation/relay/replica.ts";
import { subjectOf, type RevocationSubject } from "../../../../src/revocation/subject.ts";
import { principalOf } from "../../../support/principal.ts";
import { until } from "../../../support/wait.ts";

const MEANING = { issuedBeforeS: Infinity, expiresAtS: 0, revocationId: undefined };

let server: WebSocketServer;
let connections: { readonly socket: WebSocket; readonly query: URLSearchParams; readonly asks: number[] }[];
let replica: Replica;
let shared: ReplicaView;

beforeEach(async () => {
  connections = [];
  subjects = new Map();
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket, request) => {
    const query = new URL(request.url ?? "", "http://relay").searchParams;
    const asks: number[] = [];
    socket.on("message", (data) => asks.push(readAsk((data as Buffer).toString("utf8"))?.ask ?? -1));
    connections.push({ socket, query, asks });
  });
  const publications = new Publications();
  shared = createSights(publications.show());
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  replica = createRelayedReplica({
    controlUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below`,
    token: "t",
    keyPrefix: "",
    clock: { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
    schedule: eventLoop,
    log: silent,
    observer: { replicaIs: () => undefined },
    random: () => 0.1,
    onAwaited: () => undefined,
    publications,
  });
  replica.start();
});
afterEach(async () => {
  await replica.stop();
  for (const { socket } of connections) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

const connection = (i: number): Promise<(typeof connections)[number]> =>
  until(`connection ${i}`, () => connections[i], 10_000, 2);

const key = (jti: string): string => `revoked:jti:main:${jti}`;
/** As cached with a verified token: it keeps what it is called in one relay's fingerprints. */
let subjects: Map<string, RevocationSubject>;

function stateOf(jti: string): string {
  const subject = subjects.get(jti) ?? subjectOf(principalOf({ issuerId: "main", tokenId: jti }), "", jti, 0);
  subjects.set(jti, subject);
  const { state } = replica.judge(subject);
  expect(shared.judge(subject).state).toBe(state);
  positionNow();
  return state;
}

function positionNow(): Instant | undefined {
  expect(shared.position).toEqual(replica.position);
  if (replica.position !== undefined) expect(shared.changedAt).toEqual(replica.changedAt);
  return replica.position;
}

/** What one relay says, each with its own salt. */
function voice(socket: WebSocket, relay: string) {
  const fingerprints = createFingerprints(`salt of ${relay}`);
  const records = (jtis: readonly string[], stands: boolean): Int32Array => {
    const all = jtis.map((jti) => recordOf(fingerprints.of([key(jti)]), 0, stands ? MEANING : undefined));
    return Int32Array.from(all.flatMap((record) => [...record]));
  };
  const say = (message: object): void => socket.send(JSON.stringify(message));
  return {
    hello: (next: number, resumed = false, keyPrefix = "") =>
      say({ type: "hello", relay, salt: fingerprints.salt, key_prefix: keyPrefix, next, resumed }),
    part: (...jtis: string[]) => socket.send(frameOf({ type: "part", records: records(jtis, true) })),
    whole: () => say({ type: "whole" }),
    change: (number: number, jti: string, stands: boolean) =>
      socket.send(frameOf({ type: "changes", number, records: records([jti], stands) })),
    told: (ask: number, ageMs: number | null) =>
      say({
        type: "told",
        ask,
        age_ms: ageMs,
        store_now_s: 1,
        heeded: { epoch: "e", seq: 1 },
        seq: 1,
        pushed: true,
        why: null,
      }),
    raw: (text: string) => socket.send(text),
  };
}

type Voice = ReturnType<typeof voice>;

/** Answers the next question with this age, and tells when it was asked at the latest. */
async function answer(from: (typeof connections)[number], with_: Voice, ageMs: number | null): Promise<number> {
  const seen = from.asks.length;
  const ask = await until("a question", () => from.asks[seen] ?? from.asks.at(-1), 10_000, 2);
  const askedBeforeMs = performance.now();
  from.asks.length = 0;
  with_.told(ask, ageMs);
  return askedBeforeMs;
}

async function beginWith(jti: string, relay = "one"): Promise<{ first: (typeof connections)[number]; says: Voice }> {
  const first = await connection(0);
  const says = voice(first.socket, relay);
  says.hello(5);
  says.part(jti);
  says.whole();
  await answer(first, says, 100);
  await until("a position", () => positionNow());
  return { first, says };
}

test("its position is the instant of asking less the relay's age, and of a snapshot that is whole", async () => {
  const first = await connection(0);
  const says = voice(first.socket, "one");
  says.hello(5);
  says.part("a");
  await answer(first, says, 0);
  says.change(5, "b", true);
  says.whole();
  await until("another question", () => first.asks.length > 0);
  expect(positionNow()).toBeUndefined();
  expect(stateOf("a")).toBe("active"); // not judged by what is not whole
  const askedBeforeMs = await answer(first, says, 5_000);
  await until("a position", () => positionNow());
  expect(positionNow()?.monotonicMs).toBeLessThan(askedBeforeMs - 5_000);
  expect([stateOf("a"), stateOf("b"), stateOf("c")]).toEqual(["revoked", "revoked", "active"]);
});

test("an answer to another question, and one without a position, move nothing", async () => {
  const { first, says } = await beginWith("a");
  const before = positionNow()?.monotonicMs;
  const ask = await until("a question", () => first.asks.at(-1));
  says.told(ask - 1, 0);
  says.told(ask, null);
  await until("the next question", () => (first.asks.at(-1) ?? 0) > ask);
  expect(positionNow()?.monotonicMs).toBe(before);
});

test("a change that does not follow ends the connection, and everything is told anew", async () => {
  const { says } = await beginWith("a");
  const before = positionNow()?.monotonicMs;
  says.change(6, "b", true);
  const second = await connection(1);
  expect([...second.query]).toEqual([]);
  expect(positionNow()?.monotonicMs).toBe(before);
  expect(stateOf("a")).toBe("revoked"); // what was known stays in use, as old as it is
});

test("cut off it asks to go on from where it was, and does", async () => {
  const { first, says } = await beginWith("a");
  says.change(5, "b", true);
  await until("b", () => stateOf("b") === "revoked");
  first.socket.terminate();
  const second = await connection(1);
  expect(Object.fromEntries(second.query)).toEqual({ relay: "one", next: "6" });
  const again = voice(second.socket, "one");
  again.hello(6, true);
  again.change(6, "a", false);
  await until("the lift", () => stateOf("a") === "active");
  const before = positionNow()?.monotonicMs ?? 0;
  await answer(second, again, 0);
  await until("a later position", () => (positionNow()?.monotonicMs ?? 0) > before);
  expect(stateOf("b")).toBe("revoked");
});

test("one that says it goes on from somewhere else is not believed", async () => {
  const { first } = await beginWith("a");
  first.socket.terminate();
  const second = await connection(1);
  voice(second.socket, "two").hello(5, true);
  await until("another connection", () => connections[2]);
  expect(second.asks).toEqual([]);
});

test("another control plane that is behind takes nothing back before it has caught up", async () => {
  const { first } = await beginWith("known");
  const before = positionNow()?.monotonicMs ?? 0;
  first.socket.terminate();
  const second = await connection(1);
  const other = voice(second.socket, "two");
  other.hello(1);
  other.part("older");
  other.whole();
  await answer(second, other, 60_000);
  await until("the next question", () => second.asks.length > 0);
  expect(positionNow()?.monotonicMs).toBe(before);
  expect([stateOf("known"), stateOf("older")]).toEqual(["revoked", "active"]);
  other.change(1, "known", true);
  await answer(second, other, 0);
  await until("its word to count", () => stateOf("older") === "revoked");
  expect(stateOf("known")).toBe("revoked"); // by other fingerprints
  expect(positionNow()?.monotonicMs).toBeGreaterThan(before);
});

test("another control plane takes nothing back that was heard since the last answer either", async () => {
  const { first, says } = await beginWith("a");
  const position = positionNow()?.monotonicMs ?? 0;
  await until("half a second", () => performance.now() > position + 500);
  says.change(5, "heard", true);
  await until("it to be heard", () => stateOf("heard") === "revoked");
  first.socket.terminate();
  const second = await connection(1);
  const other = voice(second.socket, "two");
  other.hello(1);
  other.part("a");
  other.whole();
  await until("a question", () => second.asks.length > 0);
  // Younger than the position, and older than what was heard.
  await answer(second, other, performance.now() - position - 250);
  await until("the next question", () => second.asks.length > 0);
  expect(stateOf("heard")).toBe("revoked");
  other.change(1, "heard", true);
  await answer(second, other, 0);
  await until("its word to count", () => (positionNow()?.monotonicMs ?? 0) > position + 500);
  expect([stateOf("a"), stateOf("heard")]).toEqual(["revoked", "revoked"]);
});

test.each(["{}", "no JSON", '{"type":"told","ask":1,"age_ms":-5}', '{"type":"whole"}'])(
  "what makes no sense ends the connection: %s",
  async (text) => {
    voice((await connection(0)).socket, "one").raw(text);
    await connection(1);
    expect(positionNow()).toBeUndefined();
  },
);

test("a control plane with another key prefix is not judged by, and it is said why", async () => {
  voice((await connection(0)).socket, "one").hello(1, false, "other:");
  await connection(1);
  expect(replica.status().why).toMatch(/another store.keyPrefix/);
});

test("one who keeps saying what cannot be followed is asked less and less often", async () => {
  const beganMs = performance.now();
  for (let i = 0; i < 7; i += 1) voice((await connection(i)).socket, "one").hello(1, false, "other:");
  expect(performance.now() - beganMs).toBeGreaterThan(600);
});

test("changes are numbered for as long as a relay runs, beyond what 32 bits hold", async () => {
  const first = await connection(0);
  const says = voice(first.socket, "one");
  says.hello(2 ** 31);
  says.whole();
  await answer(first, says, 0);
  says.change(2 ** 31, "a", true);
  await until("a", () => stateOf("a") === "revoked");
  expect(connections).toHaveLength(1);
});

test("one who takes the connection and never says a word is left", async () => {
  await connection(0);
  expect((await connection(1)).query.size).toBe(0);
}, 20_000);

test("one who says nothing is left", async () => {
  await beginWith("a");
  await connection(1);
  expect(stateOf("a")).toBe("revoked");
}, 20_000);
