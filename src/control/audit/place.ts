// Where this control plane writes: which chain, and behind what. A chain is one's own by writing to it: who finds that
// another has written there takes the next.

import type { Log } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditStore } from "../../revocation/audit-store.ts";
import type { StoreFault } from "../../revocation/store.ts";
import type { ChainEnd } from "./chain.ts";

export interface Place {
  readonly chain: number;
  readonly end: ChainEnd;
}

export interface OwnPlace {
  /** Looks where it is not known. `done`: so many records of an attempt that had failed are stored after all. */
  find(): Promise<Result<Place & { readonly done: number }, StoreFault>>;
  /** The chain ends there now. */
  reached(end: ChainEnd): void;
  /** The attempt at `count` records, which would have ended there, failed: it may have happened. */
  unsure(end: ChainEnd, count: number): void;
  /** Another wrote there: the next chain is taken. */
  moveOn(): Promise<Result<void, StoreFault>>;
}

interface Held extends Place {
  readonly attempt: { readonly end: ChainEnd; readonly count: number } | undefined;
}

const FIRST: Held = { chain: 1, end: { seq: 0, mac: "" }, attempt: undefined };

export function createOwnPlace(store: AuditStore, log: Log): OwnPlace {
  let held = FIRST;
  let isKnown = false;

  async function endOf(chain: number): Promise<Result<ChainEnd, StoreFault>> {
    const heads = await store.auditHeads();
    if (!heads.ok) return heads;
    const head = heads.value[chain - 1];
    return ok({ seq: head?.seq ?? 0, mac: head?.mac ?? "" });
  }

  return {
    async find() {
      if (isKnown) return ok({ ...held, done: 0 });
      const { chain, attempt } = held;
      const end = await endOf(chain);
      if (!end.ok) return end;
      held = { chain, end: end.value, attempt: undefined };
      isKnown = true;
      const isDone = attempt !== undefined && isSame(end.value, attempt.end);
      return ok({ ...held, done: isDone ? attempt.count : 0 });
    },
    reached(end) {
      held = { ...held, end };
    },
    unsure(end, count) {
      held = { ...held, attempt: { end, count } };
      isKnown = false;
    },
    async moveOn() {
      const stands = await endOf(held.chain);
      if (!stands.ok) return err(stands.error);
      const { seq } = stands.value;
      if (seq < held.end.seq) log.error("audit_chain_went_back", { chain: held.chain, from: held.end.seq, to: seq });
      held = { ...FIRST, chain: (held.chain % AUDIT_CHAINS) + 1 };
      isKnown = false;
      log.info("audit_chain_taken", { chain: held.chain });
      return ok(undefined);
    },
  };
}

function isSame(a: ChainEnd, b: ChainEnd): boolean {
  return a.seq === b.seq && a.mac === b.mac;
}
