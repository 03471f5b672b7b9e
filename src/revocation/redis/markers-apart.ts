// Changes markers whose slot is not the feed's (ADR 15): the marker first, the feed after it, and only then is it done. A
// crash in between leaves a revocation that stands and was not acknowledged, or a lift that nobody was told of.

import { ok } from "../../core/result.ts";
import { liftValue } from "../logged-event.ts";
import { markerValue, markerValueAroundSeq } from "../marker.ts";
import { flag, nameOf, newName, unexpected, writeOver, type MarkerChanges } from "./markers.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";
import { APPEND_ENTRY, DELETE_MARKER_ALONE, REPLACE_MARKER_ALONE } from "./scripts.ts";

export const CHANGES_APART: MarkerChanges = {
  async replace(ask, keyPrefix, key, revocation) {
    const till = revocation.expiresAtMs ?? "";
    const written = await writeOver(revocation, (joined, standingSha1) =>
      ask("EVAL", REPLACE_MARKER_ALONE, 1, key, standingSha1, markerValue(joined), till),
    );
    if (!written.ok) return written;
    const { stored, replaced, told: sha1 } = written.value;
    const [before, after] = markerValueAroundSeq(stored);
    const about = [stored.expiresAtMs ?? "", nameOf(stored.target), flag(revocation.isAwaited), newName(), newName()];
    const feed = [2, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
    const appended = await ask("EVAL", APPEND_ENTRY, ...feed, key, "put", before, after, ...about);
    if (!appended.ok) return appended;
    const seq = appended.value;
    if (typeof seq !== "number" || typeof sha1 !== "string") return unexpected();
    // For people: the marker tells its seq. Where another stands by now, that one has its own.
    const stamped = await ask("EVAL", REPLACE_MARKER_ALONE, 1, key, sha1, `${before}${seq}${after}`, till);
    return stamped.ok ? ok({ stored: { ...stored, seq }, replaced }) : stamped;
  },
  async delete(ask, keyPrefix, key, marker, lifted) {
    const deleted = await ask("EVAL", DELETE_MARKER_ALONE, 1, key, marker.sha1);
    if (!deleted.ok) return deleted;
    if (deleted.value !== 1) return ok(false);
    const feed = [2, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
    const about = ["", nameOf(lifted.target), "", newName(), newName()];
    const appended = await ask("EVAL", APPEND_ENTRY, ...feed, key, "lift", liftValue(lifted), "", ...about);
    return appended.ok ? ok(true) : appended;
  },
};
