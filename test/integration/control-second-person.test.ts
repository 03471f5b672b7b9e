// Kinds that another admin must approve: nothing is revoked before, nobody approves his own, and one approval is one
// revocation.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { approve } from "../../src/commands/approve.ts";
import { revoke } from "../../src/commands/revoke.ts";
import type { CommandIo } from "../../src/commands/io.ts";
import { err, type Result } from "../../src/core/result.ts";
import type { StoreFault } from "../../src/revocation/store.ts";
import { startControlPlane, type Answer, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
let isStoreOut: boolean;
let isTakingOut: boolean;

beforeEach(async () => {
  isStoreOut = false;
  isTakingOut = false;
  plane = await startControlPlane({
    secondPerson: ["tenant", "everything", "user"],
    around: (store) => ({
      ...store,
      put: async (revocation) => (isStoreOut ? OUT : store.put(revocation)),
      addPending: async (...pending) => (isStoreOut ? OUT : store.addPending(...pending)),
      takePending: async (id) => (isStoreOut || isTakingOut ? OUT : store.takePending(id)),
    }),
  });
});
afterEach(() => plane.stop());

const OUT: Result<never, StoreFault> = err({ cause: "timeout", detail: "out" });
const TENANT = { target: { kind: "tenant", id: "acme" }, reason: "breach" };

const ask = (body: object = TENANT, headers = {}, token = plane.tokens.admin): Promise<Answer> =>
  plane.call("POST", "/v1/revocations", { token, body, headers });
const DECISION = { reason: "asked about it" };
const approveAs = (token: string, id: string, body: object = DECISION): Promise<Answer> =>
  plane.call("POST", `/v1/revocations/pending/${id}/approve`, { token, body });
const withdrawAs = (token: string, id: string, body: object = DECISION): Promise<Answer> =>
  plane.call("DELETE", `/v1/revocations/pending/${id}`, { token, body });
const isRevoked = async (query: string): Promise<unknown> =>
  (await plane.call("GET", `/v1/check?${query}`)).json["revoked"];
const waiting = async (): Promise<readonly { readonly id: string }[]> =>
  (await plane.call("GET", "/v1/revocations/pending")).json.items;

async function trail(): Promise<readonly unknown[]> {
  const { items } = (await plane.call("GET", "/v1/audit")).json;
  return (items as unknown as readonly { actor: string; action: string; id?: string; reason: string }[])
    .map(({ actor, action, id, reason }) => [actor, action, id, reason])
    .toReversed();
}

describe("a kind that needs a second person", () => {
  test("is not revoked until another admin approves it, then at once and in the name of who asked", async () => {
    const asked = await ask();
    expect(asked.status).toBe(202);
    expect(asked.json).toEqual({
      status: "pending",
      id: expect.any(String),
      at: expect.any(Number),
      by: "root",
      expires_at: expect.any(Number),
      target: { ...TENANT.target, issuer: "main" },
      reason: TENANT.reason,
    });
    expect(Math.abs(Number(asked.json["expires_at"]) - asked.json.at - 3_600_000)).toBeLessThan(60_000);
    expect(await waiting()).toEqual([asked.json]);
    expect(await isRevoked("kind=tenant&id=acme")).toBe(false);
    const done = await approveAs(plane.tokens.otherAdmin, asked.json.id);
    expect(done.status).toBe(201);
    expect(done.json).toMatchObject({ target: { kind: "tenant", issuer: "main", id: "acme" } });
    expect(done.json.issued_before).toBeGreaterThanOrEqual(Math.floor(asked.json.at / 1_000) + 1);
    expect((await plane.call("GET", `/v1/revocations/${done.json.id}`)).json["by"]).toBe("root");
    expect(await isRevoked("kind=tenant&id=acme")).toBe(true);
    expect(await waiting()).toEqual([]);
    expect(await trail()).toEqual([
      ["root", "revoke_pending", asked.json.id, TENANT.reason],
      ["deputy", "approve", asked.json.id, DECISION.reason],
      ["root", "revoke", done.json.id, TENANT.reason],
    ]);
  });

  test("is not approved by who asked for it, nor by who is no admin, nor by a stranger", async () => {
    const { id } = (await ask()).json;
    const own = await approveAs(plane.tokens.admin, id);
    expect([own.status, own.json["code"]]).toEqual([403, "second_person_required"]);
    expect((await approveAs(plane.tokens.revoker, id)).status).toBe(403);
    expect((await plane.call("POST", `/v1/revocations/pending/${id}/approve`, { body: DECISION })).status).toBe(401);
    expect(await isRevoked("kind=tenant&id=acme")).toBe(false);
    expect(await waiting()).toHaveLength(1);
    expect(await trail()).toContainEqual(["root", "approve_refused", undefined, "second_person_required"]);
  });

  test("is revoked once, however many approve it at once", async () => {
    const { id } = (await ask()).json;
    const answers = await Promise.all([1, 2, 3].map(() => approveAs(plane.tokens.otherAdmin, id)));
    const done = answers.filter(({ status }) => status === 201);
    expect(new Set(done.map(({ json }) => json.id)).size).toBe(1);
    for (const { status } of answers) expect([201, 404, 409]).toContain(status);
    expect((await trail()).filter((entry) => (entry as readonly unknown[])[1] === "revoke")).toHaveLength(1);
    expect((await approveAs(plane.tokens.otherAdmin, id)).status).toBe(404);
  });

  test("waits on where the store could not take what was approved", async () => {
    const asked = (await ask()).json;
    isStoreOut = true;
    expect((await approveAs(plane.tokens.otherAdmin, asked.id)).status).toBe(503);
    isStoreOut = false;
    expect((await waiting()).map(({ id }) => id)).toEqual([asked.id]);
    expect((await approveAs(plane.tokens.otherAdmin, asked.id)).status).toBe(201);
  });

  test("is revoked once though it could not be taken out: a second approval answers the same", async () => {
    const { id } = (await ask()).json;
    isTakingOut = true;
    const first = await approveAs(plane.tokens.otherAdmin, id);
    expect(first.status).toBe(201);
    expect(await waiting()).toHaveLength(1);
    expect(plane.logged()).toContain("pending_not_taken_out");
    isTakingOut = false;
    const again = await approveAs(plane.tokens.otherAdmin, id);
    expect([again.status, again.json]).toEqual([201, first.json]);
    expect(await waiting()).toEqual([]);
  });

  test.each([
    "{}",
    "null",
    "7",
    "{",
    '{"by":"root","at":1,"body":{}}',
    '{"by":"root","at":1,"body":{"target":null,"reason":"r"}}',
    '{"by":"root","at":1,"body":{"target":{"kind":"planet"},"reason":"r"}}',
    '{"by":"root","at":1,"body":{"target":{"kind":"tenant","id":7},"reason":"r"}}',
    '{"by":"root","at":1,"body":{"target":{"kind":"everything"}}}',
    '{"by":"root","at":1,"body":{"target":{"kind":"everything"},"reason":"r","issuedBefore":"now"}}',
  ])("is not there where another hand wrote %s", async (text) => {
    await plane.store.addPending("odd", text, 60_000);
    expect(await waiting()).toEqual([]);
    expect((await approveAs(plane.tokens.otherAdmin, "odd")).status).toBe(404);
    expect((await withdrawAs(plane.tokens.admin, "odd")).status).toBe(404);
  });

  test("is found faulty before it waits", async () => {
    expect((await ask({ target: { kind: "tenant" }, reason: "r" })).status).toBe(422);
    expect((await ask(TENANT, {}, plane.tokens.revoker)).status).toBe(403);
    expect(await waiting()).toEqual([]);
  });

  test("waits once under an Idempotency-Key", async () => {
    const answers = [await ask(TENANT, { "idempotency-key": "k" }), await ask(TENANT, { "idempotency-key": "k" })];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(answers[1]?.json).toEqual(answers[0]?.json);
    expect(await waiting()).toHaveLength(1);
  });

  test("is withdrawn by who asked or by an admin, and by nobody else", async () => {
    const body = { target: { kind: "user", id: "alice" }, reason: "r" };
    const withdraw = async (token: string, id: string): Promise<number> => (await withdrawAs(token, id)).status;
    const first = (await ask(body, {}, plane.tokens.revoker)).json;
    const second = (await ask(body, {}, plane.tokens.revoker)).json;
    expect(await withdraw(plane.tokens.otherRevoker, first.id)).toBe(403);
    expect(await withdraw(plane.tokens.revoker, first.id)).toBe(204);
    expect(await withdraw(plane.tokens.admin, second.id)).toBe(204);
    expect(await withdraw(plane.tokens.admin, second.id)).toBe(404);
    expect((await approveAs(plane.tokens.admin, first.id)).status).toBe(404);
    expect(await isRevoked("kind=user&id=alice")).toBe(false);
    expect(await trail()).toContainEqual(["root", "withdraw", second.id, DECISION.reason]);
  });

  test.each([
    [undefined, 400],
    [{}, 400],
    [{ reason: " " }, 422],
    [{ reason: 7 }, 400],
    [{ reason: "two\nlines" }, 422],
    [{ ...DECISION, wait: "fleet" }, 400],
  ])("is neither approved nor withdrawn for no good reason: %j", async (body, status) => {
    const { id } = (await ask()).json;
    expect(
      (await plane.call("POST", `/v1/revocations/pending/${id}/approve`, { token: plane.tokens.otherAdmin, body }))
        .status,
    ).toBe(status);
    expect(
      (await plane.call("DELETE", `/v1/revocations/pending/${id}`, { token: plane.tokens.admin, body })).status,
    ).toBe(status);
    expect(await isRevoked("kind=tenant&id=acme")).toBe(false);
    expect(await waiting()).toHaveLength(1);
  });

  test("waits as a batch's line too, and loses no other line", async () => {
    const lines = [TENANT, { target: { kind: "token", id: "j" }, reason: "r" }];
    const answer = await plane.call("POST", "/v1/revocations/batch", {
      token: plane.tokens.admin,
      body: lines.map((line) => JSON.stringify(line)).join("\n"),
      headers: { "content-type": "application/x-ndjson" },
    });
    const told = answer.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(told).toEqual([
      expect.objectContaining({ line: 1, status: "pending", id: (await waiting())[0]?.id }),
      { line: 2, id: expect.any(String), seq: expect.any(Number) },
    ]);
    expect(await isRevoked("kind=tenant&id=acme")).toBe(false);
    expect(await isRevoked("kind=token&id=j")).toBe(true);
  });

  test("is lifted by one admin alone: that may be what is urgent", async () => {
    const { id } = (await ask({ target: { kind: "everything" }, reason: "r" })).json;
    const done = await approveAs(plane.tokens.otherAdmin, id);
    expect(
      (await plane.call("DELETE", `/v1/revocations/${done.json.id}`, { token: plane.tokens.otherAdmin })).status,
    ).toBe(204);
    expect(await isRevoked("kind=everything")).toBe(false);
  });
});

test("other kinds wait for nobody", async () => {
  expect((await ask({ target: { kind: "client", id: "c" }, reason: "r" })).status).toBe(201);
});

test("the command line says that nothing is revoked yet, and what approves it", async () => {
  let out = "";
  const note = (text: string): void => void (out += text);
  const io = (token: string): CommandIo => ({
    out: note,
    err: note,
    readStdin: async () => ({ ok: true, value: "" }),
    stdinChunks: async function* () {},
    env: { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: token },
    cwd: ".",
    isTerminal: false,
    isErrorTerminal: false,
    version: "0",
    program: new URL(import.meta.url),
    signals: { onTerminate: () => undefined, onInterrupt: () => undefined, onReload: () => undefined },
  });
  expect(await revoke("everything", undefined, { reason: "leak" }, io(plane.tokens.admin))).toBe(1);
  expect(out).toMatch(/^NOT REVOKED YET: everything waits for another admin until /);
  const id = /portcullis approve (\S+)/.exec(out)?.[1] ?? "";
  out = "";
  expect(await approve(id, DECISION, io(plane.tokens.admin))).toBe(1);
  expect(out).toContain("cannot approve it");
  out = "";
  expect(await approve(id, DECISION, io(plane.tokens.otherAdmin))).toBe(0);
  expect(out).toMatch(/^revoked everything\n/);
  expect(await isRevoked("kind=everything")).toBe(true);
  expect(await approve("", DECISION, io(plane.tokens.otherAdmin))).toBe(2);
});
