// Whose turn it is to publish the log, and how far that is done, in the SQLite file.

import { ok, type Result } from "../../core/result.ts";
import type { PublicationStore, Turn } from "../publication-store.ts";
import type { StoreFault } from "../store.ts";
import type { Statements } from "./schema.ts";

/** Runs work on the open file; `now` is in epoch milliseconds. */
type Run = <T>(work: (sql: Statements, now: number) => T) => Promise<Result<T, StoreFault>>;

interface HeldTurn extends Turn {
  readonly holder: string;
  /** Of `holder`; 0 or less: it has run out. */
  readonly leftMs: number;
}

export function createEmbeddedPublicationStore(read: Run, write: Run): PublicationStore {
  return {
    async takeTurn(holder, ttlMs) {
      // Taken anew at half of its time, for each write is a commit.
      const held = await read(heldTurn);
      if (!held.ok) return held;
      if (held.value.holder === holder && held.value.leftMs > ttlMs / 2) return ok(held.value);
      return write((sql, now) => {
        const turn = heldTurn(sql, now);
        if (turn.holder !== holder && turn.leftMs > 0) return undefined;
        sql.takeTurn.run({ holder, untilMs: now + ttlMs });
        return turn;
      });
    },
    published: (holder, { epoch, seq, link }) =>
      write((sql) => Number(sql.published.run({ holder, epoch, seq, link }).changes) === 1),
    async endTurn(holder) {
      const ended = await write((sql) => sql.endTurn.run({ holder }));
      return ended.ok ? ok(undefined) : ended;
    },
  };
}

function heldTurn(sql: Statements, now: number): HeldTurn {
  const row = sql.publication.get() ?? {};
  const seq = row["seq"];
  const publishedTo =
    typeof seq === "number" ? { epoch: String(row["epoch"]), seq, link: String(row["link"]) } : undefined;
  return { holder: String(row["holder"] ?? ""), leftMs: Number(row["until_ms"] ?? 0) - now, publishedTo };
}
