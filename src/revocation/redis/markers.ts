// Reads, replaces and deletes one marker by script, so that each is atomic against every other writer.

import { err, ok, type Result } from "../../core/result.ts";
import { markerValue } from "../marker.ts";
import type { NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import { strengthened } from "../strengthen.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
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
  key: string,
  revocation: NewRevocation,
  seq: number,
): Promise<Result<Replacement, StoreFault>> {
  let standing: string | undefined;
  let standingSha1 = "";
  for (;;) {
    const joined = strengthened(revocation, seq, standing, undefined);
    const value = markerValue(joined);
    const reply = await ask("EVAL", REPLACE_MARKER, 1, key, standingSha1, value, revocation.expiresAtMs ?? "");
    if (!reply.ok) return reply;
    const [done, told, sha1] = members(reply.value);
    if (done === 1) {
      const expiresAtMs = typeof told === "number" ? told : undefined;
      return ok({ stored: { ...joined, expiresAtMs }, replaced: standing });
    }
    if (done !== 0) return unexpected();
    standing = typeof told === "string" ? told : undefined;
    standingSha1 = typeof sha1 === "string" ? sha1 : "";
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

/** Deletes `marker` unless another stands there by now; tells whether it did. */
export async function deleteMarker(ask: Ask, key: string, marker: Marker): Promise<Result<boolean, StoreFault>> {
  const reply = await ask("EVAL", DELETE_MARKER, 1, key, marker.sha1);
  return reply.ok ? ok(reply.value === 1) : reply;
}

function members(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? (reply as readonly unknown[]) : [];
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "a script answered in an unknown shape"));
}
