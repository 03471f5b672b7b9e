// What makes a chain of records: each is signed together with the one before it, so that none can be changed, left out
// or put in by who has not the key. Pure.

import { createHash, createHmac } from "node:crypto";
import type { AuditHead, AuditRecord } from "../../revocation/audit-store.ts";

/** The end of a chain, or of a part of it. */
export type ChainEnd = Pick<AuditHead, "seq" | "mac">;

export interface AuditKey {
  readonly secret: string;
  /** Tells keys apart, and nothing of them. */
  readonly id: string;
}

/** What stands for the records that were dropped: the end of them. */
export interface Checkpoint extends ChainEnd {
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export const CHAIN_START: ChainEnd = { seq: 0, mac: "" };

export function auditKeyOf(secret: string): AuditKey {
  const id = createHash("sha256").update(`portcullis audit key id\n${secret}`).digest("base64url").slice(0, 8);
  return { secret, id };
}

function sign({ secret }: AuditKey, parts: readonly unknown[]): string {
  return createHmac("sha256", secret).update(JSON.stringify(parts)).digest("base64url");
}

/** The records that put `texts` behind `end`. */
export function chained(key: AuditKey, chain: number, end: ChainEnd, texts: readonly string[]): readonly AuditRecord[] {
  let { seq, mac } = end;
  return texts.map((text) => {
    seq += 1;
    mac = sign(key, ["record", chain, seq, mac, text]);
    return { seq, text, mac };
  });
}

export type LinkFault = "missing" | "changed";

/** What is wrong with `record` as the one behind `end`; undefined: nothing. */
export function faultOfLink(key: AuditKey, chain: number, end: ChainEnd, record: AuditRecord): LinkFault | undefined {
  if (record.seq !== end.seq + 1) return "missing";
  return record.mac === sign(key, ["record", chain, record.seq, end.mac, record.text]) ? undefined : "changed";
}

export function writeCheckpoint(key: AuditKey, chain: number, { seq, mac, atMs }: Checkpoint): string {
  return JSON.stringify({
    seq,
    mac,
    at: atMs,
    key: key.id,
    signature: sign(key, ["checkpoint", chain, seq, mac, atMs]),
  });
}

/** The checkpoint as it stands, signature and all; undefined where it is none of this key's. */
export function readCheckpoint(key: AuditKey, chain: number, text: string): Checkpoint | undefined {
  try {
    const { seq, mac, at } = JSON.parse(text) as { readonly seq: number; readonly mac: string; readonly at: number };
    const checkpoint = { seq, mac, atMs: at };
    return writeCheckpoint(key, chain, checkpoint) === text ? checkpoint : undefined;
  } catch {
    return undefined;
  }
}
