// Reads, replaces and deletes one marker by script, so that each is atomic against every other writer, and what changes
// it stands in the feed as well.

import { randomBytes } from "node:crypto";
import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { liftValue, type Lifted } from "../logged-event.ts";
import { markerValueAroundSeq } from "../marker.ts";
import type { NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import { strengthened } from "../strengthen.ts";
import type { Reply } from "./connection.ts";
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

/** How markers are changed, so that the feed is told of it. */
export interface MarkerChanges {
  /**
   * Stores `revocation` over whatever stands under `key`, strengthened. Tries again while others write the same key;
   * each round one of them succeeds, and the operation's deadline ends the rest.
   */
  replace(
    ask: Ask,
    keyPrefix: string,
    key: string,
    revocation: NewRevocation,
  ): Promise<Result<Replacement, StoreFault>>;
  /** Deletes `marker`, which is `lifted`'s, unless another stands there by now; tells whether it did. */
  delete(
    ask: Ask,
    keyPrefix: string,
    key: string,
    marker: Marker,
    lifted: Lifted,
  ): Promise<Result<boolean, StoreFault>>;
}

export type MarkerFound = Marker | "absent" | "of another type";

/** One round of a replacement: what the store said of writing `joined` over the value of that hash. */
export type Write = (joined: StoredRevocation, standingSha1: string) => Promise<Reply>;

/** What the round that wrote was told last: the seq, or the hash of what stands now. */
export interface Written extends Replacement {
  readonly told: unknown;
}

/** Writes over whatever stands, again and again until nobody else wrote in between. */
export async function writeOver(revocation: NewRevocation, write: Write): Promise<Result<Written, StoreFault>> {
  let standing: string | undefined;
  let standingSha1 = "";
  for (;;) {
    const joined = strengthened(revocation, undefined, standing, undefined);
    const reply = await write(joined, standingSha1);
    if (!reply.ok) return reply;
    const [done, stands, told] = members(reply.value);
    if (done === 1) {
      const expiresAtMs = typeof stands === "number" ? stands : undefined;
      return ok({ stored: { ...joined, expiresAtMs }, replaced: standing, told });
    }
    if (done === 2) return err(FEED_WENT_ON);
    if (done !== 0) return unexpected();
    standing = typeof stands === "string" ? stands : undefined;
    standingSha1 = typeof told === "string" ? told : "";
  }
}

/** Where the feed stands as far as somebody knows, by its last link; "": there is none. */
export interface FeedStand {
  link: string;
}

/** Nothing was written, for the feed did not stand where the writer thought. */
const FEED_WENT_ON: StoreFault = fault("moved", "the feed went on meanwhile");

/** Marker and feed in one script: both or neither. */
export const CHANGES_TOGETHER: MarkerChanges = changesTogether();

/** `stand`: replaces where the feed stands there only, and moves it on; anywhere else it is FEED_WENT_ON. */
export function changesTogether(stand?: FeedStand): MarkerChanges {
  return {
    async replace(ask, keyPrefix, key, revocation) {
      const keys = [3, key, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
      const told = [nameOf(revocation.target), flag(revocation.isAwaited)];
      const link = newName();
      const written = await writeOver(revocation, (joined, standingSha1) => {
        const [before, after] = markerValueAroundSeq(joined);
        const args = [before, after, revocation.expiresAtMs ?? "", link, newName(), ...told];
        return ask("EVAL", REPLACE_MARKER, ...keys, standingSha1, ...args, stand === undefined ? "" : `=${stand.link}`);
      });
      if (!written.ok) return written;
      if (stand !== undefined) stand.link = link;
      const { stored, replaced, told: seq } = written.value;
      return typeof seq === "number" ? ok({ stored: { ...stored, seq }, replaced }) : unexpected();
    },
    delete: deleteTogether,
  };
}

async function deleteTogether(
  ask: Ask,
  keyPrefix: string,
  key: string,
  marker: Marker,
  lifted: Lifted,
): Promise<Result<boolean, StoreFault>> {
  const keys = [3, key, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
  const told = [nameOf(lifted.target), liftValue(lifted)];
  const reply = await ask("EVAL", DELETE_MARKER, ...keys, marker.sha1, newName(), newName(), ...told);
  return reply.ok ? ok(reply.value === 1) : reply;
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

/** The target's name: its key may hold but a hash of it. */
export function nameOf(target: Target): string {
  return "id" in target ? target.id : "";
}

/** As a script is told. */
export function flag(isSo: boolean | undefined): string {
  return isSo === true ? "1" : "";
}

/** Of a link or an epoch: no two are ever the same. */
export function newName(): string {
  return randomBytes(12).toString("base64url");
}

function members(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? (reply as readonly unknown[]) : [];
}

export function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "a script answered in an unknown shape"));
}
