// Revoking in bulk: thousands of lines in one call, each answered in its place, none lost by another's fault.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBatch, type BatchAnswer } from "../support/batch-call.ts";
import { startControlPlane, type Answer, type ControlPlane } from "../support/control-plane.ts";
import { until } from "../support/wait.ts";

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());

const NDJSON = { "content-type": "application/x-ndjson" };

function lineOf(target: object, more: object = {}): string {
  return JSON.stringify({ target, reason: "batch", ...more });
}
const session = (id: string): string => lineOf({ kind: "session", id });

function post(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  token = plane.tokens.admin,
  of = plane,
): Promise<Answer> {
  return of.call("POST", "/v1/revocations/batch", { token, body, headers: { ...NDJSON, ...headers } });
}

function linesOf(answer: Answer): readonly BatchAnswer[] {
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
  return answer.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as BatchAnswer);
}

async function stands(kind: string, id: string, of = plane): Promise<boolean> {
  return (await of.call("GET", `/v1/check?kind=${kind}&id=${encodeURIComponent(id)}`)).json["revoked"] === true;
}

test("each line is answered in its place with what was stored, a blank last line or none", async () => {
  const ids = Array.from({ length: 300 }, () => randomUUID());
  for (const end of ["", "\n", "\r\n", "\n\n", "\n \n"]) {
    const answers = linesOf(await post(ids.map(session).join("\n") + end));
    expect(answers.map(({ line }) => line)).toEqual(ids.map((_, i) => i + 1));
    for (const [i, { line, id, seq, ...rest }] of answers.entries()) {
      expect(rest).toEqual({});
      expect(seq).toBeGreaterThan(0);
      if (i % 50 === 0) {
        const shown = (await plane.call("GET", `/v1/revocations/${id}`)).json;
        expect([shown["target"], shown["seq"], line]).toEqual([
          { kind: "session", issuer: "main", id: ids[i] },
          seq,
          i + 1,
        ]);
      }
    }
  }
});

test("a line that cannot be read or done loses no other", async () => {
  const bad: readonly (readonly [string | Uint8Array, string])[] = [
    [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), "malformed_request"],
    ["{not json", "malformed_request"],
    ["\uFEFF{}", "malformed_request"],
    [`[${session("x")}]`, "malformed_request"],
    ['{"target":{"kind":"user","id":"a"},"reason":"r","reason":"s"}', "malformed_request"],
    ['{"target":{"kind":"user","id":"a"},"reason":"r","expiresAt":1e400}', "malformed_request"],
    ['{"target":{"kind":"user","id":"a"},"reason":"r","__proto__":{"wait":"stored"}}', "invalid_body"],
    ["{}", "invalid_body"],
    [lineOf({ kind: "planet", id: "x" }), "invalid_body"],
    [lineOf({ kind: "user", id: "x" }, { reson: "y" }), "invalid_body"],
    [lineOf({ kind: "user", id: "x" }, { ["z".repeat(15_000)]: 1 }), "invalid_body"],
    [lineOf({ kind: "user", id: "\ud800" }), "malformed_request"],
    [lineOf({ kind: "user", id: "x" }, { issuedBefore: 4_000_000_000 }), "invalid_request"],
    [`{"pad":"${"x".repeat(40_000)}"}`, "body_too_large"],
  ];
  const good: string[] = [];
  const body = bad.flatMap(([line]) => {
    const id = randomUUID();
    good.push(id);
    return [Buffer.from(session(id)), Buffer.from("\n"), Buffer.from(line as string), Buffer.from("\n")];
  });
  const answers = linesOf(await post(Buffer.concat(body)));
  expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 2 * bad.length }, (_, i) => i + 1));
  for (const [i, [, code]] of bad.entries()) {
    expect(answers[2 * i]?.id, `before ${code}`).toBeDefined();
    expect(answers[2 * i + 1]?.error?.code).toBe(code);
    expect(JSON.stringify(answers[2 * i + 1]).length).toBeLessThan(1_600);
  }
  for (const id of good) expect(await stands("session", id)).toBe(true);
});

test("the longest name and reason fit a line with every character escaped", async () => {
  const escaped = (length: number): string => "\\u0061".repeat(length);
  const line = `{"target":{"kind":"session","id":"${escaped(4_096)}"},"reason":"${escaped(512)}"}`;
  expect(linesOf(await post(line))).toEqual([{ line: 1, id: expect.any(String), seq: expect.any(Number) }]);
});

test("scopes are judged line by line", async () => {
  const id = randomUUID();
  const kinds = ["token", "tenant", "session", "client", "user", "key"];
  const body = [
    ...kinds.map((kind) => lineOf({ kind, id })),
    lineOf({ kind: "issuer" }),
    lineOf({ kind: "everything" }),
  ];
  const answers = linesOf(await post(body.join("\n"), {}, plane.tokens.revoker));
  expect(answers.map(({ error }) => error?.code ?? "done")).toEqual([
    "done",
    "insufficient_scope",
    "done",
    "insufficient_scope",
    "done",
    "insufficient_scope",
    "insufficient_scope",
    "insufficient_scope",
  ]);
  for (const kind of kinds) expect(await stands(kind, id), kind).toBe(["token", "session", "user"].includes(kind));
  expect((await post(session(id), {}, plane.tokens.reader)).status).toBe(403);
});

test("the 10,001st line is refused, those before it are done, and nothing after it is looked at", async () => {
  const ids = Array.from({ length: 10_003 }, (_, i) => `many-${i + 1}`);
  const answers = linesOf(await post(ids.map(session).join("\n")));
  expect(answers).toHaveLength(10_001);
  expect(answers.findIndex(({ error }) => error !== undefined)).toBe(10_000);
  expect(answers.at(-1)).toMatchObject({ line: 10_001, error: { code: "body_too_large", status: 413 } });
  expect([await stands("session", "many-10000"), await stands("session", "many-10001")]).toEqual([true, false]);
});

test("a body past 32 MiB is refused: declared before a line is read, undeclared at the line that it reaches", async () => {
  const id = randomUUID();
  const declared = await post(`${session(id)}\n`.repeat(400_000));
  expect([declared.status, declared.json["code"]]).toEqual([413, "body_too_large"]);
  expect(await stands("session", id)).toBe(false);
  const call = openBatch(plane.url, plane.tokens.admin);
  call.send(`${session(id)}\n`);
  for (let sent = 0; sent < 33; sent += 1) call.send(" ".repeat(1_048_576));
  const [first, second] = await call.answered(2);
  expect([first?.line, second?.line, second?.error?.code]).toEqual([1, 2, "body_too_large"]);
  expect(await stands("session", id)).toBe(true);
  call.socket.destroy();
});

describe("an Idempotency-Key of a batch", () => {
  const key = (): Record<string, string> => ({ "idempotency-key": randomUUID() });

  test("used again gives every line the same answer, and does what was left to do", async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const headers = key();
    const cut = await post(ids.slice(0, 12).map(session).join("\n"), headers);
    const whole = linesOf(await post(ids.map(session).join("\n"), headers));
    expect(whole.slice(0, 12)).toEqual(linesOf(cut));
    expect(whole.map(({ error }) => error)).toEqual(ids.map(() => undefined));
    expect(linesOf(await post(ids.map(session).join("\n"), headers))).toEqual(whole);
    expect(await stands("session", ids[19] ?? "")).toBe(true);
  });

  test("used for another body is refused: as a whole where that begins otherwise, else from where it differs", async () => {
    const ids = Array.from({ length: 4 }, () => randomUUID());
    const headers = key();
    linesOf(await post(ids.map(session).join("\n"), headers));
    const other = randomUUID();
    const refused = await post([other, ...ids.slice(1)].map(session).join("\n"), headers);
    expect([refused.status, refused.json["code"]]).toEqual([422, "idempotency_key_reused"]);
    const differs = [ids[0] ?? "", other, ids[2] ?? "", ids[3] ?? ""];
    const answers = linesOf(await post(differs.map(session).join("\n"), headers));
    expect(answers.map(({ error }) => error?.status)).toEqual([undefined, 422, 422, 422]);
    expect(await stands("session", other)).toBe(false);
  });

  test("is its caller's own, and no single call's", async () => {
    const headers = key();
    linesOf(await post(session(randomUUID()), headers));
    const body = { target: { kind: "session", id: randomUUID() }, reason: "r" };
    expect((await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body, headers })).status).toBe(
      201,
    );
    expect(linesOf(await post(session(randomUUID()), headers, plane.tokens.revoker))[0]?.error).toBeUndefined();
    expect((await post(session("x"), { "idempotency-key": "two words" })).status).toBe(400);
  });
});

test("a batch sent twice at once under one key is done once, and both are answered alike", async () => {
  let asked = 0;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const held = await startControlPlane({
    around: (store) => ({
      ...store,
      put: async (revocation) => {
        await released;
        return store.put(revocation);
      },
      claimIdempotencyKey: (...claim) => {
        asked += 1;
        return store.claimIdempotencyKey(...claim);
      },
    }),
  });
  const send = () => post([session("a"), session("b")].join("\n"), { "idempotency-key": "k" }, held.tokens.admin, held);
  const first = send();
  await until("the first line to be under way", () => asked >= 1);
  const second = send();
  await until("it to be asked for again", () => asked >= 2);
  release();
  const answers = linesOf(await first);
  expect(answers.map(({ error }) => error)).toEqual([undefined, undefined]);
  expect(linesOf(await second)).toEqual(answers);
  await held.stop();
});

test("each answer comes as soon as its line is done, and what was acknowledged stands when the caller goes away", async () => {
  const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
  const call = openBatch(plane.url, plane.tokens.admin);
  call.send(`${session(ids[0])}\n${session(ids[1])}\n${session(ids[2]).slice(0, 20)}`);
  expect((await call.answered(2)).map(({ line }) => line)).toEqual([1, 2]);
  call.socket.destroy();
  expect([await stands("session", ids[0]), await stands("session", ids[1])]).toEqual([true, true]);
  await until("the batch's place to be free again", async () => {
    const calls = Array.from({ length: 4 }, () => openBatch(plane.url, plane.tokens.admin));
    for (const each of calls) each.send(`${session(randomUUID())}\n`);
    const free = await until("answers", () => calls.every((each) => / 429 |"line"/.test(each.received())) || undefined);
    const all = calls.every((each) => each.answers().length === 1);
    for (const each of calls) each.socket.destroy();
    return free && all;
  });
  expect(await stands("session", ids[2])).toBe(false);
});

test("who sends everything before he reads anything is answered all the same", async () => {
  const call = openBatch(plane.url, plane.tokens.admin);
  call.socket.pause();
  const ids = Array.from({ length: 10_000 }, (_, i) => `unread-${i}`);
  call.send(ids.map(session).join("\n"));
  call.finish();
  await until("the last line to be done", () => stands("session", "unread-9999"), 30_000);
  call.socket.resume();
  expect(await call.answered(10_000)).toHaveLength(10_000);
  call.socket.destroy();
});

test("no more than 128 lines are under way, however many have come, and the sender is held back", async () => {
  let underWay = 0;
  let most = 0;
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = await startControlPlane({
    around: (store) => ({
      ...store,
      put: async (revocation) => {
        underWay += 1;
        most = Math.max(most, underWay);
        if (revocation.reason !== "first") await held;
        underWay -= 1;
        return store.put(revocation);
      },
    }),
  });
  const call = openBatch(slow.url, slow.tokens.admin);
  call.send(`${lineOf({ kind: "session", id: "0" }, { reason: "first" })}\n`);
  for (let i = 0; i < 90; i += 1)
    call.send(`${Array.from({ length: 100 }, (_, n) => session(`${i}-${n}`)).join("\n")}\n`);
  call.finish();
  await until("the store to be busy", () => underWay === 128);
  release();
  expect(await call.answered(9_001)).toHaveLength(9_001);
  expect(most).toBe(128);
  call.socket.destroy();
  await slow.stop();
});

test("a store that works on our own thread leaves others their turn in the middle of a batch", async () => {
  let puts = 0;
  const busy = await startControlPlane({
    around: (store) => ({
      ...store,
      put: (revocation) => {
        puts += 1;
        for (const untilMs = performance.now() + 3; performance.now() < untilMs;);
        return store.put(revocation);
      },
    }),
  });
  const call = openBatch(busy.url, busy.tokens.admin);
  call.send(Array.from({ length: 400 }, (_, i) => `${session(`busy-${i}`)}\n`).join(""));
  call.finish();
  await until("the batch to begin", () => puts > 0);
  expect((await busy.call("GET", "/v1/check?kind=user&id=a")).status).toBe(200);
  expect(puts).toBeLessThan(400);
  await call.answered(400);
  call.socket.destroy();
  await busy.stop();
});

test("a fifth batch of one caller is told to come later, and no other caller's", async () => {
  const calls = Array.from({ length: 4 }, () => openBatch(plane.url, plane.tokens.admin));
  for (const each of calls) each.send(`${session(randomUUID())}\n`);
  for (const each of calls) await each.answered(1);
  const fifth = await post(session("x"));
  expect([fifth.status, fifth.headers.get("retry-after")]).toEqual([429, "1"]);
  expect((await post(session(randomUUID()), {}, plane.tokens.revoker)).status).toBe(200);
  for (const each of calls) each.socket.destroy();
});

test.each(["application/json", "text/plain", "application/x-ndjson-seq"])(
  "a batch of type %s is refused",
  async (type) => {
    const answer = await post(session("x"), { "content-type": type });
    expect([answer.status, answer.json["code"]]).toEqual([415, "unsupported_media_type"]);
  },
);

test("with the store out every line is told so, and sent again under the same key is done", async () => {
  let isOut = true;
  const shaky = await startControlPlane({
    around: (store) => ({
      ...store,
      put: async (revocation) =>
        isOut ? { ok: false, error: { cause: "timeout", detail: "" } } : store.put(revocation),
    }),
  });
  const body = [session("a"), session("b")].join("\n");
  const headers = { "idempotency-key": "k" };
  const first = linesOf(await post(body, headers, shaky.tokens.admin, shaky));
  expect(first.map(({ error }) => error?.code)).toEqual(["store_unavailable", "store_unavailable"]);
  isOut = false;
  const again = linesOf(await post(body, headers, shaky.tokens.admin, shaky));
  expect(again.map(({ error }) => error?.code)).toEqual([undefined, undefined]);
  await shaky.stop();
});
