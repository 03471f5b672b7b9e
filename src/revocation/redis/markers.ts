// Reads, replaces and deletes one marker by script, so that each is atomic against every other writer, and what changes
// it stands in the feed as well.

import { randomBytes } from "node:crypto";
import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { liftValue, type Lifted } from "../logged-event.ts";
import { markerValueAroundSeq } from "../marker.ts";
import type { NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import { strengthened } from "../strengthen.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";
import { DELETE_MARKER, READ_MARKER, REPLACE_MARKER } from "./scripts.ts";

export interface Marker {
  readonly value: string;
  readonly sha1: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number | undefined;
}

export interface Replacement {
  readonly stored: StoredRevocation;
  /** The value that stood there before; undefined: none, or one of another type. */
  readonly replaced: string | undefined;
}

export type MarkerFound = Marker | "absent" | "of another type";

/**
 * Stores `revocation` over whatever stands under `key`, strengthened. Tries again while others write the same key; each
 * round one of them succeeds, and the operation's deadline ends the rest.
 */
export async function replaceMarker(
  ask: Ask,
  keyPrefix: string,
  key: string,
  revocation: NewRevocation,
): Promise<Result<Replacement, StoreFault>> {
  const told = [nameOf(revocation.target), flag(revocation.isAwaited)];
  let standing: string | undefined;
  let standingSha1 = "";
  for (;;) {
    const joined = strengthened(revocation, undefined, standing, undefined);
    const value = markerValueAroundSeq(joined);
    const till = revocation.expiresAtMs ?? "";
    const keys = markerAndFeed(keyPrefix, key);
    const reply = await ask(
      "EVAL",
      REPLACE_MARKER,
      ...keys,
      standingSha1,
      ...value,
      till,
      newName(),
      newName(),
      ...told,
    );
    if (!reply.ok) return reply;
    const [done, stands, last] = members(reply.value);
    if (done === 1 && typeof last === "number") {
      const expiresAtMs = typeof stands === "number" ? stands : undefined;
      return ok({ stored: { ...joined, seq: last, expiresAtMs }, replaced: standing });
    }
    if (done !== 0) return unexpected();
    standing = typeof stands === "string" ? stands : undefined;
    standingSha1 = typeof last === "string" ? last : "";
  }
}

export async function readMarker(ask: Ask, key: string): Promise<Result<MarkerFound, StoreFault>> {
  const reply = await ask("EVAL", READ_MARKER, 1, key);
  if (!reply.ok) return reply;
  const [value, sha1, expiresAtMs, isOfAnotherType] = members(reply.value);
  if (isOfAnotherType === 1) return ok("of another type");
  if (typeof value !== "string") return ok("absent");
  if (typeof sha1 !== "string") return unexpected();
  return ok({ value, sha1, expiresAtMs: typeof expiresAtMs === "number" ? expiresAtMs : undefined });
}

/** Deletes `marker`, which is `lifted`'s, unless another stands there by now; tells whether it did. */
export async function deleteMarker(
  ask: Ask,
  keyPrefix: string,
  key: string,
  marker: Marker,
  lifted: Lifted,
): Promise<Result<boolean, StoreFault>> {
  const keys = markerAndFeed(keyPrefix, key);
  const told = [nameOf(lifted.target), liftValue(lifted)];
  const reply = await ask("EVAL", DELETE_MARKER, ...keys, marker.sha1, newName(), newName(), ...told);
  return reply.ok ? ok(reply.value === 1) : reply;
}

function markerAndFeed(keyPrefix: string, key: string): readonly [number, string, string, string] {
  return [3, key, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
}

/** The key may hold but a hash of it. */
function nameOf(target: Target): string {
  return "id" in target ? target.id : "";
}

function flag(isSo: boolean | undefined): string {
  return isSo === true ? "1" : "";
}

/** Of a link or an epoch: no two are ever the same. */
function newName(): string {
  return randomBytes(12).toString("base64url");
}

function members(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? (reply as readonly unknown[]) : [];
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "a script answered in an unknown shape"));
}
