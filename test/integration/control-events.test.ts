// Whoever follows the control plane's events hears of each revocation and lift once, in order, and can go on where he was.
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { err, ok } from "../../src/core/result.ts";
import { TARGET_KINDS } from "../../src/core/target.ts";
import { EVENT_TYPES } from "../../src/control/events/encoded-event.ts";
import { openEvents, type EventStream } from "../support/event-stream.ts";
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from "../support/control-plane.ts";
import { until } from "../support/wait.ts";

let plane: ControlPlane;
const streams: EventStream[] = [];

async function start(options: ControlPlaneOptions = {}): Promise<void> {
  await plane?.stop();
  plane = await startControlPlane(options);
}

beforeEach(() => start());
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await plane.stop();
});

async function follow(query = "", headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
  const stream = await openEvents(`${plane.url}/v1/events${query}`, plane.tokens.reader, headers);
  streams.push(stream);
  return stream;
}

async function revoke(kind: string, id?: string): Promise<{ id: string; seq: number }> {
  const target = { kind, ...(id === undefined ? {} : { id }), ...(kind === "everything" ? {} : { issuer: "main" }) };
  const answer = await plane.call("POST", "/v1/revocations", {
    token: plane.tokens.admin,
    body: { target, reason: "a “reason”" },
  });
  expect(answer.status).toBe(201);
  return { id: answer.json.id, seq: answer.json["seq"] as number };
}

describe("an event stream", () => {
  test("tells of every kind, and of a lift, what the answer to the revocation told", async () => {
    const stream = await follow();
    expect(stream.status).toBe(200);
    expect(stream.headers["content-type"]).toBe("text/event-stream");
    expect(stream.headers["cache-control"]).toBe("no-store");
    const made = [];
    for (const kind of TARGET_KINDS)
      made.push(await revoke(kind, ["issuer", "everything"].includes(kind) ? undefined : "x y"));
    const [first] = made;
    await plane.call("DELETE", `/v1/revocations/${first?.id}`);
    const events = await stream.seen(made.length + 1);
    expect(events.map(({ data }) => data.type)).toEqual(EVENT_TYPES.filter((type) => type !== "RESET"));
    expect(events.slice(0, -1).map(({ data }) => [data.id, data.seq])).toEqual(made.map(({ id, seq }) => [id, seq]));
    expect(events.map(({ id }) => id)).toEqual(events.map(({ data }) => String(data.seq)));
    expect(new Set(events.map(({ name }) => name))).toEqual(new Set(["message"]));
    expect(events[0]?.data).toEqual({
      type: "TOKEN_REVOKED",
      id: first?.id,
      seq: 1,
      at: expect.any(Number),
      target: { kind: "token", issuer: "main", id: "x y" },
      reason: "a “reason”",
    });
    expect(events[3]?.data).toMatchObject({ type: "USER_REVOKED_AFTER_UPDATED", issued_before: expect.any(Number) });
    expect(events.at(-1)?.data).toMatchObject({ type: "REVOCATION_LIFTED", id: first?.id, reason: "a “reason”" });
  });

  test("goes on after Last-Event-ID, and after a seq named in the address at the first time", async () => {
    const made = [await revoke("user", "a"), await revoke("user", "b"), await revoke("user", "c")];
    const byHeader = await follow("", { "last-event-id": String(made[0]?.seq) });
    expect((await byHeader.seen(2)).map(({ data }) => data.id)).toEqual([made[1]?.id, made[2]?.id]);
    const byQuery = await follow("?after=0");
    expect((await byQuery.seen(3)).map(({ data }) => data.id)).toEqual(made.map(({ id }) => id));
    const both = await follow("?after=0", { "last-event-id": String(made[1]?.seq) });
    expect((await both.seen(1)).map(({ data }) => data.id)).toEqual([made[2]?.id]);
    const fromNow = await follow("", { "last-event-id": "" });
    const next = await revoke("user", "d");
    expect((await fromNow.seen(1)).map(({ data }) => data.id)).toEqual([next.id]);
  });

  test("says that something was missed to whoever was last in another log", async () => {
    await revoke("user", "a");
    const stream = await follow("", { "last-event-id": "7000" });
    const [reset] = await stream.seen(1);
    expect(reset).toEqual({ name: "reset", id: "1", data: { type: "RESET", seq: 1, why: "replaced" } });
    const next = await revoke("user", "b");
    expect((await stream.seen(2))[1]?.data.id).toBe(next.id);
  });

  test("says that something was missed to whoever comes back after the log has forgotten it", async () => {
    let seq = 0;
    for (let i = 0; i < 8_300; i += 1) {
      const stored = await plane.store.put({
        id: `id-${i}`,
        target: { kind: "token", issuer: "main", id: `t-${i}` },
        reason: "r",
        by: "b",
        atMs: 1,
        issuedBeforeS: undefined,
        expiresAtMs: Date.now() + 60_000,
      });
      seq = (stored.ok ? stored.value.seq : undefined) ?? 0;
    }
    const [reset] = await (await follow("?after=3")).seen(1);
    expect(reset?.data).toEqual({ type: "RESET", seq, why: "forgotten" });
    const behind = await (await follow(`?after=${seq - 3_000}`)).seen(3_000);
    expect(behind.map(({ data }) => data.seq)).toEqual(Array.from({ length: 3_000 }, (_, i) => seq - 2_999 + i));
  }, 120_000);

  test("is not given to who may not read, nor for a place that is none", async () => {
    const revoker = await openEvents(`${plane.url}/v1/events`, plane.tokens.revoker);
    expect([revoker.status, (await plane.call("GET", "/v1/events", {})).status]).toEqual([403, 401]);
    expect((await follow("", { "last-event-id": "yesterday" })).status).toBe(400);
    expect((await follow("?after=-1")).status).toBe(400);
    expect((await follow("?token=x")).status).toBe(400);
    expect((await plane.call("HEAD", "/v1/events")).status).toBe(405);
  });

  test("ends in order when the control plane stops, and says when to come again", async () => {
    const stream = await follow();
    const socket = await openSocket();
    const closed = once(socket, "close");
    await plane.stop();
    await until("the stream to end", () => stream.hasEnded());
    expect(stream.text()).toMatch(/retry: \d+\n: stopping\n\n$/);
    expect((await closed)[0]).toBe(1012);
  });

  test("is cut for whoever takes nothing for 10 s, who is not waited for by others and goes on where he was", async () => {
    const slow = await follow();
    const quick = await follow();
    slow.pause();
    const reason = "r".repeat(4_000);
    for (let i = 1; i <= 12_000; i += 1) {
      await plane.store.put({
        id: `id-${i}`,
        target: { kind: "token", issuer: "main", id: `t-${i}` },
        reason,
        by: "b",
        atMs: 1,
        issuedBeforeS: undefined,
        expiresAtMs: Date.now() + 600_000,
      });
      if (i % 2_000 === 0) await quick.seen(i);
    }
    await quick.seen(12_000);
    await until("the slow one to be cut", () => plane.logged().includes('"cause":"too slow"'), 30_000);
    slow.resume();
    await until("the end of what was sent", () => slow.hasEnded());
    const last = slow.events.at(-1)?.data.seq ?? 0;
    expect(last).toBeLessThan(12_000);
    expect(slow.events.length).toBe(last);
    await revoke("user", "after");
    const again = await follow("", { "last-event-id": "11900" });
    expect((await again.seen(101))[0]?.data.seq).toBe(11_901);
  }, 90_000);

  test("is bounded in number, for one caller and for all, and a seat is free again once its stream is closed", async () => {
    const open = [];
    for (let i = 0; i < 200; i += 1) open.push(await follow());
    expect(open.map(({ status }) => status).every((status) => status === 200)).toBe(true);
    expect((await follow()).status).toBe(429);
    const other = await openEvents(`${plane.url}/v1/events`, plane.tokens.admin);
    streams.push(other);
    expect(other.status).toBe(200);
    open[0]?.close();
    await until("the seat to be free", async () => (await follow()).status === 200);
    const made = await revoke("user", "a");
    for (const stream of open.slice(1)) expect((await stream.seen(1))[0]?.data.id).toBe(made.id);
  });
});

describe("a stream whose caller is judged again", () => {
  test.each(["refused", "unavailable"] as const)("ends within 2 s once the caller is %s", async (cause) => {
    let isGood = true;
    await start({
      authenticators: [
        {
          authenticate: () =>
            Promise.resolve(isGood ? ok({ name: "main/eve", scopes: ["portcullis:read"] }) : err({ cause })),
        },
      ],
    });
    const stream = await openEvents(`${plane.url}/v1/events`, "an.access.token");
    streams.push(stream);
    expect(stream.status).toBe(200);
    isGood = false;
    const beganAtMs = performance.now();
    await until("the stream to end", () => stream.hasEnded());
    expect(performance.now() - beganAtMs).toBeLessThan(4_000);
    expect(stream.text()).toContain(": refused");
  });
});

describe("over a WebSocket", () => {
  test("the same events come as messages, from where the address says", async () => {
    const made = [await revoke("user", "a"), await revoke("user", "b")];
    const socket = socketOf("?after=1", {});
    const messages: { isBinary: boolean; id?: string }[] = [];
    socket.on("message", (data, isBinary) => {
      messages.push({ isBinary, ...(JSON.parse((data as Buffer).toString()) as { id?: string }) });
    });
    await once(socket, "open");
    made.push(await revoke("user", "c"));
    await until("two messages", () => messages.length === 2);
    expect(messages.map(({ id }) => id)).toEqual([made[1]?.id, made[2]?.id]);
    expect(messages.some(({ isBinary }) => isBinary)).toBe(false);
    socket.terminate();
  });

  test("is for no page of another origin, and for nobody who may not read", async () => {
    expect(await refusal({ origin: "https://evil.example" })).toBe(403);
    expect(await refusal({ authorization: `Bearer ${plane.tokens.revoker}` })).toBe(403);
    expect(await refusal({ authorization: "" })).toBe(401);
    const socket = await openSocket("", { origin: plane.url });
    socket.terminate();
  });

  test("offers to speak otherwise, as many clients make them, are passed over", async () => {
    const socket = connect(Number(new URL(plane.url).port), "127.0.0.1");
    socket.write(
      `GET /v1/revocations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${plane.tokens.reader}\r\n` +
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});

function socketOf(query: string, headers: Readonly<Record<string, string>>): WebSocket {
  const url = `${plane.url.replace("http", "ws")}/v1/events/ws${query}`;
  return new WebSocket(url, { headers: { authorization: `Bearer ${plane.tokens.reader}`, ...headers } });
}

async function openSocket(query = "", headers: Readonly<Record<string, string>> = {}): Promise<WebSocket> {
  const socket = socketOf(query, headers);
  await once(socket, "open");
  return socket;
}

async function refusal(headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const socket = socketOf("", headers);
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode?: number }];
  return response.statusCode;
}
