// What a CloudEvent asks to revoke, and whether its sender may. Pure. What it cannot tell for sure it refuses.

import { err, ok, type Result } from "../../core/result.ts";
import { isWatermarkKind, TARGET_KINDS, type TargetKind } from "../../core/target.ts";
import { isJsonObject, type JsonObject } from "../../token/json.ts";
import { MAX_AHEAD_S, type NamedTarget } from "../new-revocation.ts";
import type { RevokeBody } from "../asked.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { REVOKED } from "./published-event.ts";

/** Whose events are heeded, and what they may revoke. */
export interface KafkaSender {
  readonly id: string;
  readonly topic: string;
  readonly source: string;
  /** Undefined: only `everything` is among its kinds. */
  readonly issuer: string | undefined;
  readonly kinds: readonly TargetKind[];
}

export interface AskedByEvent {
  readonly sender: KafkaSender;
  readonly body: RevokeBody;
  /** Epoch milliseconds, by the sender's clock: when it happened. */
  readonly happenedAtMs: number;
}

export interface EventRefusal {
  /** ignored: it asks for nothing. */
  readonly result: "ignored" | "malformed" | "not_allowed";
  /** For people; quotes nothing of the event. */
  readonly why: string;
}

/** RFC 3339, as CloudEvents 1.0 §3.1.2 has times; a leap second is no time that a clock here knows. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

export interface Addressed {
  readonly audience: string;
  readonly senders: readonly KafkaSender[];
}

export function askedBy(
  event: CloudEvent,
  topic: string,
  { audience, senders }: Addressed,
  nowMs: number,
): Result<AskedByEvent, EventRefusal> {
  const sender = senders.find((one) => one.topic === topic && one.source === event.source);
  if (sender === undefined) return notAllowed("is of no sender whose events are taken from this topic");
  if (event.audience !== audience) return notAllowed("is meant for another audience, or says no audience");
  if (event.type !== REVOKED) return refuse("ignored", "is of a type that revokes nothing");
  const happenedAtMs = timeOf(event.time, nowMs);
  if (!happenedAtMs.ok) return happenedAtMs;
  const body = bodyOf(event.data, sender, happenedAtMs.value);
  return body.ok ? ok({ sender, happenedAtMs: happenedAtMs.value, body: body.value }) : body;
}

function timeOf(time: string | undefined, nowMs: number): Result<number, EventRefusal> {
  const ms = time !== undefined && TIMESTAMP.test(time) ? Date.parse(time) : NaN;
  if (Number.isNaN(ms)) return malformed("does not tell its time");
  return ms <= nowMs + MAX_AHEAD_S * 1_000 ? ok(ms) : malformed(`happens more than ${MAX_AHEAD_S} s from now`);
}

function bodyOf(data: JsonObject, sender: KafkaSender, happenedAtMs: number): Result<RevokeBody, EventRefusal> {
  const target = targetOf(data["target"], sender);
  if (!target.ok) return target;
  const { reason } = data;
  if (typeof reason !== "string") return malformed("gives no reason");
  const issuedBefore = issuedBeforeOf(data, target.value.kind, happenedAtMs);
  if (!issuedBefore.ok) return issuedBefore;
  const body = { target: target.value, reason };
  return ok(issuedBefore.value === undefined ? body : { ...body, issuedBefore: issuedBefore.value });
}

function targetOf(named: unknown, { kinds, issuer: own }: KafkaSender): Result<NamedTarget, EventRefusal> {
  if (!isJsonObject(named)) return malformed("names no target");
  const kind = TARGET_KINDS.find((one) => one === named["kind"]);
  const { issuer, id } = named;
  if (kind === undefined) return malformed("names a target of no known kind");
  if (!isTextOrAbsent(issuer) || !isTextOrAbsent(id)) return malformed("names a target by what is no text");
  if (!kinds.includes(kind)) return notAllowed(`asks to revoke a ${kind}, which its sender may not`);
  if (issuer !== undefined && issuer !== own) return notAllowed("names an issuer that is not its sender's");
  return ok(withoutAbsent(kind, kind === "everything" ? undefined : own, id));
}

function withoutAbsent(kind: TargetKind, issuer: string | undefined, id: string | undefined): NamedTarget {
  return { kind, ...(issuer === undefined ? {} : { issuer }), ...(id === undefined ? {} : { id }) };
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

/**
 * Tokens issued within the second in which it happened are meant too: `iat` has whole seconds only. It is the sender's second, not ours:
 * an event that was long under way must not end what was begun after it.
 */
function issuedBeforeOf(
  data: JsonObject,
  kind: TargetKind,
  happenedAtMs: number,
): Result<number | undefined, EventRefusal> {
  if (!isWatermarkKind(kind)) return ok(undefined);
  const asked = data["issued_before"];
  if (asked === undefined) return ok(Math.floor(happenedAtMs / 1_000) + 1);
  const isSeconds = typeof asked === "number" && Number.isSafeInteger(asked) && asked >= 0;
  return isSeconds ? ok(asked) : malformed("has an issued_before that is no whole number of epoch seconds");
}

function refuse(result: EventRefusal["result"], why: string): Result<never, EventRefusal> {
  return err({ result, why });
}

function malformed(why: string): Result<never, EventRefusal> {
  return refuse("malformed", why);
}

function notAllowed(why: string): Result<never, EventRefusal> {
  return refuse("not_allowed", why);
}
