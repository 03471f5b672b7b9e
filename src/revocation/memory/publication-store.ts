// Whose turn it is to publish the log, and how far that is done, in this process's memory.

import { ok } from "../../core/result.ts";
import type { PublicationStore, Turn } from "../publication-store.ts";

export function createMemoryPublicationStore(nowMs: () => number): PublicationStore {
  let turn: { readonly holder: string; readonly untilMs: number } | undefined;
  let publishedTo: Turn["publishedTo"];
  return {
    async takeTurn(holder, ttlMs) {
      if (turn !== undefined && turn.holder !== holder && turn.untilMs > nowMs()) return ok(undefined);
      turn = { holder, untilMs: nowMs() + ttlMs };
      return ok({ publishedTo });
    },
    async published(holder, upTo) {
      if (turn?.holder !== holder) return ok(false);
      publishedTo = upTo;
      return ok(true);
    },
    async endTurn(holder) {
      if (turn?.holder === holder) turn = undefined;
      return ok(undefined);
    },
  };
}
