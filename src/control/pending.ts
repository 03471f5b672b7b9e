// Revocations that a second person must approve: what waits, who asked for it, and that nobody approves his own. Lifting
// is not among them: it may be what is urgent, and undoes no more than a revocation.

import { err, ok, type Result } from "../core/result.ts";
import type { TargetKind } from "../core/target.ts";
import type { PendingRequest } from "../revocation/pending-store.ts";
import { holds, nameInLog, type Caller } from "./access.ts";
import type { Room } from "./api/room.ts";
import type { NewRevocation } from "../revocation/store.ts";
import { readFault, writeFault, type Problem } from "./problem.ts";
import type { RevokeBody } from "./revoke.ts";

/** Long enough to find somebody, short enough that nobody approves what was forgotten. */
const PENDING_FOR_MS = 3_600_000;

/** A request as it is kept. */
interface Waiting {
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly body: RevokeBody;
}

export interface PendingRevocation extends Waiting {
  readonly id: string;
  readonly expiresAtMs: number;
}

/** So begins the answer to a request that waits, now or under its key again. */
const PENDING_ANSWER = '{"status":"pending",';

const NOT_WAITING: Problem = { code: "not_found", detail: "Nothing waits for approval under this id." };
const FULL: Problem = {
  code: "too_many_requests",
  detail: "Too many revocations wait for approval: have some approved or withdrawn.",
  headers: { "retry-after": "60" },
};
const ONE_S_OWN: Problem = {
  code: "second_person_required",
  detail: "Whoever asked for a revocation cannot approve it.",
};

export function needsSecondPerson({ secondPerson }: Pick<Room, "secondPerson">, kind: TargetKind): boolean {
  return secondPerson.includes(kind);
}

/** Keeps what is asked for until somebody else approves it. `revocation`: as it would be stored now, found in order. */
export async function keepPending(
  room: Room,
  { name: by }: Caller,
  body: RevokeBody,
  { id, target, reason, atMs }: NewRevocation,
): Promise<Result<string, Problem>> {
  // The target as it is meant now: by the time of approval another issuer may be the only one.
  const waiting: Waiting = { by, at: atMs, body: { ...body, target } };
  const kept = await room.store.addPending(id, JSON.stringify(waiting), PENDING_FOR_MS);
  if (!kept.ok) return err(writeFault(kept.error));
  if (kept.value === undefined) return err(FULL);
  await room.audit.record({ actor: by, action: "revoke_pending", target, reason, atMs, id, count: undefined });
  room.log.info("revocation_pending", { id, kind: target.kind, by: nameInLog({ name: by, scopes: [] }) });
  return ok(JSON.stringify(pendingJson({ ...waiting, id, expiresAtMs: kept.value.expiresAtMs })));
}

export async function listPending(room: Room): Promise<Result<readonly PendingRevocation[], Problem>> {
  const found = await room.store.pending();
  return found.ok ? ok(found.value.flatMap(readPending)) : err(readFault(found.error));
}

/** Takes out what `caller`, who is an admin, approves: then it is his to do, or to give back. */
export async function takeToApprove(
  room: Room,
  id: string,
  caller: Caller,
): Promise<Result<PendingRevocation, Problem>> {
  const found = await find(room, id);
  if (!found.ok) return found;
  const { by, body } = found.value;
  if (by === caller.name) {
    const { kind } = body.target;
    room.audit.refused({ actor: by, action: "approve_refused", target: { kind }, reason: ONE_S_OWN.code });
    return err(ONE_S_OWN);
  }
  const taken = await take(room, id);
  if (taken.ok) await record(room, "approve", caller, taken.value);
  return taken;
}

/** What could not be done waits on, for as long as it had. */
export async function giveBack(room: Room, { id, expiresAtMs, by, at, body }: PendingRevocation): Promise<void> {
  const waiting: Waiting = { by, at, body };
  const leftMs = expiresAtMs - room.clock.now().wallMs;
  if (leftMs >= 1) await room.store.addPending(id, JSON.stringify(waiting), Math.floor(leftMs));
}

/** By whoever asked for it, or an admin; undefined: it waits no more. */
export async function withdraw(room: Room, id: string, caller: Caller): Promise<Problem | undefined> {
  const found = await find(room, id);
  if (!found.ok) return found.error;
  if (found.value.by !== caller.name && !holds(caller, "portcullis:admin")) {
    return { code: "insufficient_scope", detail: "Only an admin withdraws what others asked for." };
  }
  const taken = await take(room, id);
  if (!taken.ok) return taken.error;
  await record(room, "withdraw", caller, taken.value);
  return undefined;
}

async function find(room: Room, id: string): Promise<Result<PendingRevocation, Problem>> {
  const all = await listPending(room);
  if (!all.ok) return all;
  const found = all.value.find((one) => one.id === id);
  return found === undefined ? err(NOT_WAITING) : ok(found);
}

async function take(room: Room, id: string): Promise<Result<PendingRevocation, Problem>> {
  const taken = await room.store.takePending(id);
  if (!taken.ok) return err(writeFault(taken.error));
  const [pending] = taken.value === undefined ? [] : readPending(taken.value);
  return pending === undefined ? err(NOT_WAITING) : ok(pending);
}

async function record(
  room: Room,
  action: "approve" | "withdraw",
  { name: actor }: Caller,
  { id, body }: PendingRevocation,
): Promise<void> {
  const { kind, issuer, id: name } = body.target;
  const target = { kind, ...(issuer === undefined ? {} : { issuer }), ...(name === undefined ? {} : { id: name }) };
  const atMs = room.clock.now().wallMs;
  await room.audit.record({ actor, action, target, reason: body.reason, atMs, id, count: undefined });
}

/** None where another hand wrote it. */
function readPending({ id, text, expiresAtMs }: PendingRequest): readonly PendingRevocation[] {
  try {
    return [{ ...(JSON.parse(text) as Waiting), id, expiresAtMs }];
  } catch {
    return [];
  }
}

export function pendingJson({ id, by, at, expiresAtMs, body }: PendingRevocation): object {
  return { status: "pending", id, at, by, expires_at: expiresAtMs, target: body.target, reason: body.reason };
}

/** Of the text with which a revocation was answered. */
export function isPendingAnswer(text: string): boolean {
  return text.startsWith(PENDING_ANSWER);
}
