// Does one revocation that a caller asks for: may he, can it be done, was it done before; then stores it. It answers no
// HTTP: the single call and each line of a batch come here.

import { err, ok, type Result } from "../core/result.ts";
import type { StoredRevocation } from "../revocation/store.ts";
import { nameInLog, scopeOfKind } from "./access.ts";
import { lackOf, type Room } from "./api/room.ts";
import type { Asked, Receipt, RevokeBody } from "./asked.ts";
import { answerOnce } from "./idempotency.ts";
import { keepPending, NEEDS_SECOND_PERSON, needsSecondPerson } from "./pending.ts";
import { newRevocation } from "./new-revocation.ts";
import { invalid, writeFault, type Problem } from "./problem.ts";
import { newRevocationId } from "./revocation-id.ts";

/** Returns the answer once the store has said "durable". */
export async function revoke(room: Room, asked: Asked): Promise<Result<string, Problem>> {
  const { body, caller, once } = asked;
  const lack = lackOf(scopeOfKind(body.target.kind), caller);
  if (lack !== undefined) return refuse(room, asked, lack);
  const isAlone = asked.alone !== undefined && needsSecondPerson(room, body.target.kind);
  if (isAlone && asked.alone === "refused") return refuse(room, asked, NEEDS_SECOND_PERSON);
  const wait = body.wait ?? "stored";
  const { wallMs: nowMs, monotonicMs: beganAtMs } = room.clock.now();
  const { tokenExpiresAtMs } = asked;
  const asking = { id: newRevocationId(nowMs), by: caller.name, nowMs, tokenExpiresAtMs };
  const put = async (): Promise<Result<string, Problem>> => {
    // Judged here, for what was done before is answered alike though it could not be asked for any more.
    const revocation = newRevocation(body, room.issuers, asking);
    if (!revocation.ok) return err(invalid(revocation.error));
    if (isAlone) return keepPending(room, caller, body, revocation.value);
    const stored = await room.store.put({ ...revocation.value, isAwaited: wait === "fleet" });
    const action = stored.ok ? "revoke" : "revoke_unconfirmed";
    const { id, target, reason, atMs } = revocation.value;
    // Waited for, so that whoever reads the answer finds the entry; but what stands, stands without one.
    await room.audit.record({ actor: caller.name, action, target, reason, atMs, id, count: undefined });
    if (!stored.ok) return err(writeFault(stored.error));
    room.log.info("revocation_stored", { id, kind: target.kind, by: nameInLog(caller) });
    return ok(asked.answer(stored.value, await receiptOf(room, wait, stored.value, beganAtMs)));
  };
  if (once === undefined) return put();
  const request = [...sameness(body), ...once.after];
  return answerOnce(room.store, { ...once, caller: caller.name, request, waits: true }, put);
}

function refuse(room: Room, { caller, body }: Asked, problem: Problem): Result<never, Problem> {
  const { kind } = body.target;
  room.audit.refused({ actor: caller.name, action: "revoke_refused", target: { kind }, reason: problem.code });
  return err(problem);
}

/** It is stored, whatever can be told beyond that. */
async function receiptOf(
  room: Room,
  wait: RevokeBody["wait"],
  stored: StoredRevocation,
  beganAtMs: number,
): Promise<Receipt> {
  if (wait === "replicated") {
    return { durability: (await room.store.isReplicated(stored)) ? "replicated" : "stored", fleet: undefined };
  }
  if (wait !== "fleet" || stored.seq === undefined) return { durability: "stored", fleet: undefined };
  const fleet = await room.fleet.heeding(stored.seq, beganAtMs);
  return { durability: "stored", fleet: fleet.ok ? fleet.value : undefined };
}

/** What makes two requests the same, whatever the order of their members. */
function sameness({ target, reason, issuedBefore, expiresAt, wait = "stored" }: RevokeBody): readonly unknown[] {
  return ["POST /v1/revocations", target.kind, target.issuer, target.id, reason, issuedBefore, expiresAt, wait];
}
