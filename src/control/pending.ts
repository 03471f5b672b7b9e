// Revocations that a second person must approve: what waits, who asked for it, and that nobody approves his own. Lifting
// is not among them: it may be what is urgent, and undoes no more than a revocation.

import { err, ok, type Result } from "../core/result.ts";
import { TARGET_KINDS, type TargetKind } from "../core/target.ts";
import type { PendingRequest } from "../revocation/pending-store.ts";
import { holds, nameInLog, type Caller } from "./access.ts";
import type { Room } from "./api/room.ts";
import type { NewRevocation } from "../revocation/store.ts";
import { readFault, writeFault, type Problem } from "./problem.ts";
import type { Asked, RevokeBody } from "./asked.ts";

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
/** To a caller at a path whose standard knows no waiting. */
export const NEEDS_SECOND_PERSON: Problem = {
  code: "second_person_required",
  detail:
    "A revocation of this kind waits for another admin's approval, which this path cannot: use POST /v1/revocations.",
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

/** What `caller`, who is an admin, approves, and why. It waits on until `noLongerWaits`: it is lost in no failure between. */
export async function approveWaiting(
  room: Room,
  id: string,
  caller: Caller,
  reason: string,
): Promise<Result<PendingRevocation, Problem>> {
  const found = await find(room, id);
  if (!found.ok) return found;
  const { by, body } = found.value;
  if (by === caller.name) {
    const { kind } = body.target;
    room.audit.refused({ actor: by, action: "approve_refused", target: { kind }, reason: ONE_S_OWN.code });
    return err(ONE_S_OWN);
  }
  await record(room, "approve", caller, found.value, reason);
  return found;
}

/** Under this key what waits is done once: no caller can send it, for it has a line break. */
export function approvalOnce({ id }: PendingRevocation): NonNullable<Asked["once"]> {
  return { key: `approve\n${id}`, after: [], keepMs: PENDING_FOR_MS };
}

/** Of what was done. If the store fails it is listed on, and whoever approves it again gets the answer there was. */
export async function noLongerWaits(room: Room, { id }: PendingRevocation): Promise<void> {
  const taken = await room.store.takePending(id);
  if (!taken.ok) room.log.warn("pending_not_taken_out", { id, cause: taken.error.cause });
}

/** By whoever asked for it, or an admin; undefined: it waits no more. */
export async function withdraw(room: Room, id: string, caller: Caller, reason: string): Promise<Problem | undefined> {
  const found = await find(room, id);
  if (!found.ok) return found.error;
  if (found.value.by !== caller.name && !holds(caller, "portcullis:admin")) {
    return { code: "insufficient_scope", detail: "Only an admin withdraws what others asked for." };
  }
  const taken = await take(room, id);
  if (!taken.ok) return taken.error;
  await record(room, "withdraw", caller, taken.value, reason);
  return undefined;
}

async function find(room: Room, id: string): Promise<Result<PendingRevocation, Problem>> {
  const found = await room.store.pendingById(id);
  if (!found.ok) return err(readFault(found.error));
  const [pending] = found.value === undefined ? [] : readPending(found.value);
  return pending === undefined ? err(NOT_WAITING) : ok(pending);
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
  reason: string,
): Promise<void> {
  const { kind, issuer, id: name } = body.target;
  const target = { kind, ...(issuer === undefined ? {} : { issuer }), ...(name === undefined ? {} : { id: name }) };
  const atMs = room.clock.now().wallMs;
  await room.audit.record({ actor, action, target, reason, atMs, id, count: undefined });
}

/** None where another hand wrote it. */
function readPending({ id, text, expiresAtMs }: PendingRequest): readonly PendingRevocation[] {
  try {
    const value: unknown = JSON.parse(text);
    return isWaiting(value) ? [{ ...value, id, expiresAtMs }] : [];
  } catch {
    return [];
  }
}

function isWaiting(value: unknown): value is Waiting {
  if (!isObject(value) || !isObject(value["body"]) || !isObject(value["body"]["target"])) return false;
  const { by, at } = value;
  const { reason, issuedBefore, expiresAt, wait } = value["body"];
  const { kind, issuer, id } = value["body"]["target"];
  return (
    typeof by === "string" &&
    typeof at === "number" &&
    typeof reason === "string" &&
    TARGET_KINDS.some((known) => known === kind) &&
    [issuer, id, wait].every((text) => text === undefined || typeof text === "string") &&
    [issuedBefore, expiresAt].every((time) => time === undefined || typeof time === "number")
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function pendingJson({ id, by, at, expiresAtMs, body }: PendingRevocation): object {
  return { status: "pending", id, at, by, expires_at: expiresAtMs, target: body.target, reason: body.reason };
}

/** Of the text with which a revocation was answered. */
export function isPendingAnswer(text: string): boolean {
  return text.startsWith(PENDING_ANSWER);
}
